"""
Print prices as they change: python rates_client.py ws://127.0.0.1:8000/ws/rates

Needs `pip install websockets`, 14 or newer. A token, where the service wants one, is in the environment as RATES_TOKEN.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

# Bytes: a board of 1000 coins is 250 kB; the library's own limit, 1 MiB, ends at some 4200.
LARGEST_BOARD = 64 * 2**20
# Seconds after which a connection counts as stable.
STABLE_AFTER = 5.0


class NotAllowed(Exception):
    """Raised when to come back would be no use: another token is needed, or a person."""


@dataclass
class Waits:
    """
    How long to wait before the next attempt.

    Attributes:
        first, longest: seconds; a wait is a random part of the first, later of the second.
        failures: attempts since a stable connection.
        requested: seconds that the server asked for, in `bye` or `Retry-After`; None when it did not.
        opened_at: monotonic time of the accept; None when it did not come to that.
    """

    first: float
    longest: float
    failures: int = 0
    requested: float | None = None
    opened_at: float | None = None

    def after(self, code: int) -> float:
        """Return the seconds to wait after a socket that ended with *code*."""
        if self.opened_at is not None and time.monotonic() - self.opened_at > STABLE_AFTER:
            self.failures = 0
        requested, self.requested, self.opened_at = self.requested, None, None
        if requested is not None:
            return requested * (1 + random.random())
        if code in (1008, 1013):
            return random.random() * self.longest
        self.failures += 1
        return random.random() * min(self.longest, max(self.first, 2.0 ** (self.failures - 1)))


async def messages(url: str, token: str, waits: Waits, quiet: float) -> AsyncIterator[dict[str, Any]]:
    """
    Yield every message of the server, over as many connections as it takes; *quiet* seconds without one end each.

    Raises:
        NotAllowed: when the server says that to come back is no use.
    """
    while True:
        try:
            async with connect_once(url, token, quiet) as socket:
                waits.opened_at = time.monotonic()
                async for message in read(socket, quiet):
                    if message["type"] == "bye":
                        waits.requested = message["retry_ms"] / 1000
                    yield message
        except (OSError, WebSocketException) as error:
            code, end = why(error, waits)
        wait = waits.after(code)
        print(f"{end}; next attempt in {wait:.3f} s", file=sys.stderr, flush=True)
        await asyncio.sleep(wait)


def connect_once(url: str, token: str, quiet: float) -> connect:
    """Return one connection, as a context manager; to iterate over it would come back without a wait after a close."""
    return connect(
        url,
        subprotocols=[Subprotocol("rates.v1")],
        additional_headers={"Authorization": f"Bearer {token}"} if token else {},
        max_size=LARGEST_BOARD,
        open_timeout=quiet,
        close_timeout=1,
    )


def why(error: Exception, waits: Waits) -> tuple[int, str]:
    """
    Return the close code, 0 without one, and words for what ended a connection; note what the server asked for.

    Raises:
        NotAllowed: for HTTP 403 and the close codes 4001 and 4003.
    """
    code, end, final = 0, str(error) or f"silent ({type(error).__name__})", False
    if isinstance(error, InvalidStatus):
        status, retry_after = error.response.status_code, error.response.headers.get("Retry-After", "")
        waits.requested = float(retry_after) if retry_after.isdecimal() else None
        end, final = f"refused with {status}", status == 403
    elif isinstance(error, ConnectionClosed):
        code = error.rcvd.code if error.rcvd else 1006
        end, final = f"closed with {code}", code in (4001, 4003)
    if final:
        raise NotAllowed(end)
    return code, end


async def read(socket: ClientConnection, quiet: float) -> AsyncIterator[dict[str, Any]]:
    """Yield messages until the connection ends; `TimeoutError`, an `OSError`, after *quiet* seconds of silence."""
    while True:
        async with asyncio.timeout(quiet):
            text = await socket.recv()
        yield json.loads(text)


async def show(url: str, waits: Waits, quiet: float) -> None:
    """Print the whole board with each change."""
    coins: dict[str, str | None] = {}
    async for message in messages(url, os.environ.get("RATES_TOKEN", ""), waits, quiet):
        if message["type"] not in ("board", "update"):
            continue
        if message["type"] == "board":
            coins = {}
        for symbol in message.get("removed", []):
            coins.pop(symbol, None)
        coins |= {coin["symbol"]: coin["price"] for coin in message["rates"]}
        print(message["as_of"], coins, flush=True)


def main() -> None:
    """Show the board until somebody interrupts, or reads no more."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url")
    arguments.add_argument("--first-wait", type=float, default=10, help="seconds; the first wait is a random part")
    arguments.add_argument("--longest-wait", type=float, default=30, help="seconds; the longest wait is a random part")
    arguments.add_argument("--quiet", type=float, default=13, help="seconds of silence that end a connection")
    given = arguments.parse_args()
    if not given.url.startswith(("ws://", "wss://")):
        arguments.error(f"{given.url!r} is no address of a socket, such as ws://127.0.0.1:8000/ws/rates")
    try:
        asyncio.run(show(given.url, Waits(given.first_wait, given.longest_wait), given.quiet))
    except NotAllowed as refused:
        raise SystemExit(f"not allowed: {refused}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        # What is still to be flushed at the end has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
