"""
`manage.py stream_rates`: keep the exchanges' live streams open until SIGTERM.

Tested in `tests/faults/test_slots.py`.
"""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from rates import garbage_collection
from rates.checks import refuse_bad_start
from rates.start_notes import note_proxies
from rates.streams.leader import run


class Command(BaseCommand):
    """Keep the live streams of `RATES_STREAM` open; several processes may run, one is the leader."""

    # The web process runs them; here they would load every page and the admin.
    requires_system_checks = ()
    help = "Keep the exchanges' live streams open. Several may run: one is the leader, the others wait."

    def handle(self, *args: Any, **options: Any) -> None:
        """Stream until SIGTERM or SIGINT."""
        refuse_bad_start()
        note_proxies()
        garbage_collection.freeze_startup_heap()
        asyncio.run(_run_until_told())


async def _run_until_told() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await run(stop)
