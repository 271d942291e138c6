"""
Short pauses in reading a stream, while what it tells waits for the next publication anyway.

To be woken up for a message costs more than to read it. After a pause, all that came meanwhile is read at once.

Tested in `tests/streams/test_reading_pauses.py`.
"""

import asyncio

# Seconds; a publication may miss what came so shortly before it, and has it the next time.
PAUSE = 0.01


class ReadingPauses:
    """The pauses of one connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._is_paused = False

    def begin(self) -> None:
        """Begin a pause, unless there is one."""
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(PAUSE, self._end)

    def _end(self) -> None:
        self._is_paused = False
        self._transport.resume_reading()
