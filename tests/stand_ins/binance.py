"""A stand-in for Binance: `/ws-api/v3` answers `ticker.24hr` and `exchangeInfo`; `/stream` sends `@miniTicker`.

`/api/v3/klines` has historical candles, with the faults of `history`.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Any, ClassVar
from urllib.parse import unquote

from websockets.asyncio.server import ServerConnection

from rates.concurrency import first_of
from tests.stand_ins.history import write_rows
from tests.stand_ins.market import WRONG_VALUES
from tests.stand_ins.sockets import SUBSCRIPTIONS, SocketStandIn

UNKNOWN = {"code": -1121, "msg": "Invalid symbol."}
ILLEGAL = {"code": -1100, "msg": "Illegal characters found in parameter 'symbol'."}
TO_CAPITALS = str.maketrans(ascii_lowercase, ascii_uppercase)
BAN_SECONDS = 90
HISTORY_INTERVALS = {"1m": 60, "1h": 3600, "1d": 86400}


@dataclass
class Binance(SocketStandIn):
    """
    Prices are in USDT: the market's price divided by that of USDT is up to whoever sets the prices.

    Attributes:
        ascii_only: it takes no pair of another script, as before December 2025.
    """

    ascii_only: bool = False

    FAULTS: ClassVar[frozenset[str]] = SocketStandIn.FAULTS | {"shutdown", "halted"}
    HISTORY_PATH: ClassVar[str] = "/api/v3/klines"

    def history_body(self, params: Mapping[str, str], fault: str) -> tuple[int, str]:
        symbol = self._symbol(params.get("symbol", ""))
        if symbol is None or fault == "no_pair":
            return 400, json.dumps(UNKNOWN)
        start, end = int(params["startTime"]) / 1000, int(params["endTime"]) / 1000
        most = min(1000, int(params.get("limit", 500)))
        rows = self.history.rows(symbol, HISTORY_INTERVALS[params["interval"]], start, most, fault)
        per_second = 1_000_000 if fault == "microseconds" else 1000
        return 200, json.dumps([[*row, "1.5"] for row in write_rows([r for r in rows if r.time <= end], per_second)])

    async def talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        path, _, query = connection.request.path.partition("?")
        if path.startswith("/ws-api"):
            while True:
                await self._answer(connection, await self.read(connection))
        # What is not ASCII comes percent-encoded; other names would be those of other streams.
        streams = set(filter(None, unquote(query.removeprefix("streams=")).split("/"))) if query.isascii() else set()
        await first_of(
            self._listen(connection, streams), self.send_events(connection, lambda f: self._events(streams, f))
        )

    def _symbol(self, pair: str) -> str | None:
        symbol = pair.removesuffix("USDT")
        return symbol if symbol in self.prices and symbol not in self.unknown and pair.endswith("USDT") else None

    async def _answer(self, connection: ServerConnection, request: dict[str, Any]) -> None:
        fault = self.take_fault()
        if fault == "hang":
            return
        if fault == "shutdown":
            await connection.send(json.dumps({"event": {"e": "serverShutdown", "E": int(time.time() * 1000)}}))
        await self.say(
            connection, json.dumps({"id": request["id"]})[:-1] + ", " + self._reply(request, fault)[1:], fault
        )

    def _reply(self, request: dict[str, Any], fault: str) -> str:
        params = request["params"]
        pairs = params.get("symbols", [params.get("symbol")])
        if fault == "ban":
            now = int(time.time() * 1000)
            times = {"serverTime": now, "retryAfter": now + BAN_SECONDS * 1000}
            return json.dumps({"status": 418, "error": {"code": -1003, "msg": "Banned.", "data": times}})
        if fault == "error_body":
            return json.dumps({"status": 200, "error": {"code": -1000, "msg": "An unknown error occurred."}})
        if self.ascii_only and not "".join(pairs).isascii():
            return json.dumps({"status": 400, "error": ILLEGAL})
        if not all(self._symbol(pair) for pair in pairs):
            return json.dumps({"status": 400, "error": UNKNOWN})
        if request["method"] == "exchangeInfo":
            infos = [{"symbol": pair, "status": self._status(pair, fault)} for pair in pairs]
            return json.dumps({"status": 200, "result": {"symbols": infos}})
        items = [text for pair in pairs if (text := self._ticker(pair, fault))]
        return f'{{"status": 200, "result": {items[0] if "symbol" in params else "[" + ",".join(items) + "]"}}}'

    def _status(self, pair: str, fault: str) -> str:
        return "BREAK" if fault == "halted" and self.is_faulty(self._symbol(pair) or "") else "TRADING"

    def _quoted(self, symbol: str, fault: str) -> str | None:
        value = self.value(symbol, fault)
        plain = value is None or value == "null" or value.startswith('"')
        return value if plain else f'"{value}"'

    def _ticker(self, pair: str, fault: str) -> str | None:
        symbol = self._symbol(pair) or ""
        # A poll is another connection, where a fault of a subscription is none.
        fault = {"halted": "frozen"}.get(fault, "" if fault in SUBSCRIPTIONS else fault)
        price, milliseconds = self._quoted(symbol, fault), int(self.seconds(fault) * 1000)
        if price is None:
            return None
        opened = self.prices[symbol] / 2 if fault not in WRONG_VALUES else 1
        return (
            f'{{"symbol":"{pair}","openPrice":"{opened}","highPrice":"1","lowPrice":"1","lastPrice":{price},'
            f'"volume":"10.5","quoteVolume":"100000.5","openTime":1,"closeTime":{milliseconds},"count":2}}'
        )

    async def _listen(self, connection: ServerConnection, streams: set[str]) -> None:
        while True:
            message = await self.read(connection)
            names = message.get("params", [])
            if message["method"] == "SUBSCRIBE":
                streams.update(names)
            elif message["method"] == "UNSUBSCRIBE":
                streams.difference_update(names)
            await connection.send(json.dumps({"result": None, "id": message["id"]}))
            await asyncio.sleep(0)

    def _events(self, streams: set[str], fault: str) -> Iterator[str]:
        if fault == "hang":
            return
        if fault == "shutdown":
            self.fault = ""
            yield json.dumps({"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}})
        for stream in sorted(streams):
            symbol = self._symbol(stream.partition("@")[0].translate(TO_CAPITALS))
            price = self._quoted(symbol, fault) if symbol else None
            if price is None or self.is_mute(symbol or "", "mute" if fault == "halted" else fault):
                continue
            milliseconds = int(self.seconds(fault) * 1000)
            yield (
                f'{{"stream":"{stream}","data":{{"e":"24hrMiniTicker","E":{milliseconds},"s":"{symbol}USDT","c":{price},'
                f'"o":"{self.prices[symbol or ""] / 2}","h":"1","l":"1","v":"10.5","q":"100000.5"}}}}'
            )
