"""A stand-in for Kraken's WebSocket v2: status, acknowledgements per pair, snapshots, updates, heartbeats.

`/0/public/OHLC` has historical candles, with the faults of `history`.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any, ClassVar

from websockets.asyncio.server import ServerConnection

from rates.concurrency import first_of
from rates.types import encode_json
from tests.stand_ins.history import write_rows
from tests.stand_ins.sockets import SUBSCRIPTIONS, SocketStandIn

# Historical candles that are kept, and the seconds between two requests for them.
KEPT = 720
LEAST_SPACING = 0.9
# Faults of the trading engine, which the status channel tells.
SYSTEM = frozenset({"maintenance", "cancel_only", "post_only"})
REFUSED = {"ban": "Exceeded msg rate", "error_body": "EGeneral:Internal error"}


# Markets of one currency in another, and the significant digits of their prices.
CURRENCY_PAIRS = frozenset({"AUD/USD", "EUR/USD", "GBP/USD", "USD/CAD", "USD/CHF", "USD/JPY", "EUR/GBP", "EUR/JPY"})
DIGITS = 6


class Kraken(SocketStandIn):
    """Quotes in USD; a pair is updated when its price has changed."""

    FAULTS: ClassVar[frozenset[str]] = SocketStandIn.FAULTS | SYSTEM
    HISTORY_PATH: ClassVar[str] = "/0/public/OHLC"

    def history_body(self, params: Mapping[str, str], fault: str) -> tuple[int, str]:
        pair = params.get("pair", "")
        symbol, _, quote = pair.partition("/")
        if len(self.history.asked) > 1 and self.history.asked[-1] - self.history.asked[-2] < LEAST_SPACING:
            return 200, '{"error":["EGeneral:Too many requests"]}'
        coin = symbol in self.prices and symbol not in self.unknown and quote == "USD"
        if not (coin or pair in CURRENCY_PAIRS) or fault == "no_pair":
            return 200, '{"error":["EQuery:Unknown asset pair"]}'
        interval = int(params["interval"]) * 60
        start = max(int(params.get("since", 0)) + 1, time.time() - KEPT * interval)
        rows = write_rows(self.history.rows(symbol if coin else pair, interval, start, KEPT, fault), 1)
        last = rows[-2][0] if len(rows) > 1 else 0
        return 200, json.dumps({"error": [], "result": {pair: rows, "last": last}})

    def quoted(self, pair: str, fault: str) -> str | None:
        """Return the price of *pair* as JSON text; None when it is missing."""
        base, _, quote = pair.partition("/")
        if base in self.prices:
            return self.value(base, fault)
        worth, other = (Decimal(1) if code == "USD" else self.worth(code, fault) for code in (quote, base))
        return worth and other and f"{Context(prec=DIGITS).divide(worth, other):f}"

    def has(self, pair: str) -> bool:
        """Return whether *pair* is a market here."""
        base = pair.partition("/")[0]
        return pair in CURRENCY_PAIRS or (base in self.prices and base not in self.unknown)

    async def talk(self, connection: ServerConnection) -> None:
        await connection.send(self._status())
        pairs: dict[str, str] = {}
        first: dict[str, str] = {}
        await first_of(
            self._listen(connection, pairs, first), self.send_events(connection, lambda f: self._events(pairs, f))
        )

    def _status(self) -> str:
        system = self.fault if self.fault in SYSTEM else "online"
        return encode_json({"channel": "status", "type": "update", "data": [{"system": system, "api_version": "v2"}]})

    async def _listen(self, connection: ServerConnection, pairs: dict[str, str], first: dict[str, str]) -> None:
        while True:
            message = await self.read(connection)
            while self.fault in ("hang", "silent", "half_open", "only_garbage", "drop"):  # noqa: ASYNC110 - set from another thread
                await asyncio.sleep(0.02)
            for pair in message["params"]["symbol"]:
                await self._obey(connection, message, pair, pairs, first)
            self.take_fault()
            await asyncio.sleep(0)

    async def _obey(
        self,
        connection: ServerConnection,
        message: dict[str, Any],
        pair: str,
        pairs: dict[str, str],
        first: dict[str, str],
    ) -> None:
        symbol = pair.partition("/")[0]
        ack: dict[str, Any] = {"method": message["method"], "req_id": message.get("req_id")}
        if self.fault in REFUSED:
            await connection.send(encode_json(ack | {"success": False, "error": REFUSED[self.fault]}))
            return
        if not self.has(pair):
            words = f"Currency pair not supported {pair}"
            await connection.send(encode_json(ack | {"success": False, "error": words, "symbol": pair}))
            return
        fault = self.fault
        result = {"channel": "ticker", "symbol": pair, "snapshot": True}
        text = encode_json({"method": message["method"], "result": result, "success": True, **ack})
        await self.say(connection, text, fault)
        if message["method"] == "unsubscribe":
            pairs.pop(pair, None)
            return
        if fault == "deaf" and self.is_faulty(symbol):
            return
        # A first subscription tells the price of now.
        told = "frozen" if fault in SYSTEM else "" if fault in SUBSCRIPTIONS else fault
        value = self.quoted(pair, told)
        pairs[pair] = value or ""
        if value is not None:
            again = first.setdefault(pair, value)
            value = again if fault == "frozen_renewal" and self.is_faulty(symbol) else value
            await self.say(connection, self._ticker("snapshot", pair, value, told), fault)

    def _ticker(self, kind: str, pair: str, value: str, fault: str) -> str:
        stamp = datetime.fromtimestamp(self.seconds(fault), UTC).isoformat().replace("+00:00", "Z")
        return (
            f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{pair}","bid":1.0,"ask":1.0,"last":{value},'
            f'"volume":2158.32,"vwap":100.5,"change":-1.0,"change_pct":-2.41,"timestamp":"{stamp}"}}]}}'
        )

    def _events(self, pairs: dict[str, str], fault: str) -> Iterator[str]:
        if fault == "hang":
            return
        if fault in SYSTEM:
            yield self._status()
            return
        changed = False
        for pair, before in list(pairs.items()):
            symbol = pair.partition("/")[0]
            value = self.quoted(pair, fault)
            if (
                value is not None
                and not self.is_mute(symbol, fault)
                and (value != before or fault in ("burst", "out_of_order"))
            ):
                pairs[pair] = value
                changed = True
                yield self._ticker("update", pair, value, fault)
        if not changed:
            yield '{"channel":"heartbeat"}'
