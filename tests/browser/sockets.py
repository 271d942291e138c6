"""The server's side of the page's socket, played by a test."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

HELLO = {"type": "hello", "v": 1, "epoch": "e", "quote": "usd", "interval": 5, "heartbeat": 10, "stale_after": 15}


def rate(symbol: str = "BTC", price: str = "63250.12", **facts: Any) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "name": symbol.title(),
        "price": price,
        "change_24h_pct": "1.24",
        "volume_24h": None,
        "source": "coingecko",
        "observed_at": datetime.now(UTC).isoformat(),
        "stale": False,
        "disputed": False,
        "confirmed_by": [],
        "spread_pct": None,
    } | facts


def frame(kind: str, *rates: dict[str, Any], seq: int = 1, age: float = 0, **fields: Any) -> str:
    as_of = (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
    return json.dumps({"type": kind, "epoch": "e", "seq": seq, "as_of": as_of, "rates": list(rates)} | fields)


class Server:
    """The sockets that the page has opened, newest last."""

    def __init__(self, page: Any, *greeting: str) -> None:
        self.sockets: list[Any] = []
        self.greeting = [json.dumps(HELLO), *greeting]
        # A page that has lost its socket waits for a part of ten seconds: nearly all of them, whatever a test does.
        page.add_init_script("Math.random = () => 0.95")
        page.route_web_socket(re.compile("/ws/rates"), self.accept)

    def accept(self, socket: Any) -> None:
        self.sockets.append(socket)
        for text in self.greeting:
            socket.send(text)

    def beat(self) -> None:
        """Send a heartbeat, as a server does that is silent otherwise."""
        self.sockets[-1].send(frame("heartbeat"))

    def show(self, board: str) -> None:
        """Send a board to the page, and to every socket that it opens from now on."""
        self.greeting = [json.dumps(HELLO), board]
        self.sockets[-1].send(board)
