"""
When each client has to be checked: by second, so that nobody is looked at before.

A client that only listens is checked about every ten seconds. Asking ten thousand of them every second whether it is
time was among the biggest parts of what they cost at rest: all of their objects came into the cache for it.

Tested in `tests/fanout/test_hub.py`.
"""

from rates.fanout.sockets import Socket


class CheckTimes:
    """The sockets by the second of a clock, of which each is in one."""

    def __init__(self) -> None:
        self._buckets: dict[int, set[Socket]] = {}

    def put(self, socket: Socket, second: int) -> None:
        """Note that *socket* has to be checked in that *second*, and not when it had to be before."""
        self.remove(socket)
        socket.check_second = second
        self._buckets.setdefault(second, set()).add(socket)

    def postpone(self, socket: Socket, second: int) -> None:
        """Note that *socket* needs no check before that *second*, unless it was forgotten."""
        if second > socket.check_second and socket in self._buckets.get(socket.check_second, ()):
            self.put(socket, second)

    def remove(self, socket: Socket) -> None:
        """Forget *socket*."""
        if bucket := self._buckets.get(socket.check_second):
            bucket.discard(socket)

    def take(self, second: int) -> list[Socket]:
        """Return the sockets that had to be checked until *second*, and forget them."""
        due = [at for at in self._buckets if at <= second]
        return [socket for at in due for socket in self._buckets.pop(at)]
