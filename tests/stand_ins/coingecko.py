"""
A stand-in for CoinGecko: prices, list, search and pairs of coins; faults are `ANSWERS` and those of the market.

`/coins/{id}/market_chart` has historical candles, with the faults of `history`; what else there is, and this service
never asks, is in `coingecko_answers`.
"""

import json
import socket
import struct
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from tests.stand_ins.coingecko_answers import documented
from tests.stand_ins.history import History
from tests.stand_ins.market import COINGECKO_IDS, VALUES, WRONG_VALUES, StandIn

PRICE_PATH = "/api/v3/simple/price"
LIMITED = '{"status":{"error_code":429,"error_message":"You\'ve exceeded the Rate Limit."}}'
NO_KEY = '{"status":{"timestamp":"2026-11-24T12:00:00.000+00:00","error_code":10002,"error_message":"API Key Missing"}}'
WRONG_PLAN = (
    '{"timestamp":"2026-01-25T20:11:37.477+00:00","error_code":10010,"status":{"error_message":"Wrong root URL"}}'
)
TOO_LONG_AGO = (
    '{"error":{"status":{"timestamp":"2026-10-07T12:00:00.000+00:00","error_code":10012,'
    '"error_message":"Your request exceeds the allowed time range."}}}'
)
NOT_ON_THIS_PLAN = (
    '{"status":{"timestamp":"2026-05-10T12:00:00.000+00:00","error_code":10005,'
    '"error_message":"This request is limited to Pro API subscribers."}}'
)
# What is told beside a price, by the end of its name, if a parameter asks for it.
INCLUDED = {"_market_cap": "include_market_cap", "_24h_vol": "include_24hr_vol", "_24h_change": "include_24hr_change",
            "last_updated_at": "include_last_updated_at"}  # fmt: skip
CHART_ANSWERS = {"limited": (429, LIMITED), "limited_once": (429, LIMITED), "garbage": (200, "{"), "down": (503, "")}
DAY = 86400
HTML = "<!DOCTYPE html><html><body>Sorry, you have been blocked</body></html>"
JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=UTF-8"
# The stand-in's clock, which is not ours, and 9 s later.
NOW, UNTIL = "Wed, 25 Nov 2026 07:27:51 GMT", "Wed, 25 Nov 2026 07:28:00 GMT"
# A dead coin has a price of 90 days ago, and no change.
DEAD_SECONDS = 90 * 86400
# Seconds between two bytes of a slow answer.
DRIP = 0.02


class Call(NamedTuple):
    """One request as it came in, *at* a Unix time; names of *headers* are lower case."""

    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    at: float


@dataclass
class CoinGecko(StandIn):
    """
    Every digit of a price in USD is sent as it was set; those in other currencies are derived from it.

    Attributes:
        ids: CoinGecko's id -> symbol.
        change, volume, market_cap: JSON texts of the figures beside prices.
        requests: every request so far.
        delay: seconds that each good answer takes.
        longest_span: days back that a plan includes.
        tickers: id -> exchange, base and target of its pairs; coins that are not in it have one on each exchange.
        connections: those that are open, which clients may keep between requests.
    """

    ids: dict[str, str] = field(default_factory=lambda: {coin_id: symbol for symbol, coin_id in COINGECKO_IDS.items()})
    change: str = "-1.4093297098441402"
    volume: str = "28012345678.9"
    market_cap: str = "1253000000000.5"
    requests: list[Call] = field(default_factory=list)
    delay: float = 0.0
    longest_span: int = 365
    tickers: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    port: int = 0
    stopping: Event = field(default_factory=Event)
    connections: set[socket.socket] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.history = History(self)

    def chart(self, coin_id: str, days: str) -> tuple[int, str]:
        """Return status and body of `/coins/{id}/market_chart`, as its span decides."""
        fault, symbol = self.history.take_fault(), self.ids.get(coin_id, "")
        if fault in CHART_ANSWERS:
            return CHART_ANSWERS[fault]
        if symbol not in self.prices or symbol in self.unknown or fault == "no_pair":
            return 404, '{"error":"coin not found"}'
        span = int(days) * DAY
        if span > self.longest_span * DAY:
            return 401, TOO_LONG_AGO
        interval = 300 if span <= DAY else 3600 if span <= 90 * DAY else DAY
        # Samples come some minutes late, days at midnight; the last one is now.
        late = 0 if interval == DAY else 113
        rows = self.history.rows(symbol, interval, time.time() - span, 100_000, fault)
        points = [[int((row.time + late) * 1000), float(row.open)] for row in rows if row.time + late < time.time()]
        points.append([int(time.time() * 1000), float(self.history.price(symbol, time.time()))])
        return 200, json.dumps({"prices": points, "market_caps": [], "total_volumes": []})

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), type("Handler", (_Handler,), {"stand_in": self}))
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}{PRICE_PATH}"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def coins(self) -> list[dict[str, str]]:
        """Return the rows of `/coins/list`."""
        return [{"id": i, "symbol": symbol.lower(), "name": i.title()} for i, symbol in self.ids.items()]

    def tickers_body(self, coin_id: str) -> str:
        """Return the body of `/coins/{id}/tickers`: the coin's pairs, after a stale one and another coin's."""
        symbol = self.ids[coin_id]
        pairs = self.tickers.get(coin_id, [("binance", symbol, "USDT"), ("kraken", symbol, "USD")])
        old = [{**_ticker("kraken", f"{symbol}OLD", "USD", coin_id), "is_stale": True}]
        others = [_ticker("binance", "OTHER", "USDT", "another-coin"), _ticker("binance", symbol, "FDUSD", coin_id)]
        rows = [*old, *others, *(_ticker(*pair, coin_id) for pair in pairs)]
        return json.dumps({"name": coin_id.title(), "tickers": rows})

    def price_body(self, ids: Iterable[str], codes: Iterable[str], included: Collection[str], fault: str) -> str:
        """Return the body of `/simple/price` in the currencies *codes*, with what is *included*, as JSON text."""
        coins = {}
        for coin_id in ids:
            symbol = self.ids.get(coin_id, "")
            if symbol in self.prices and symbol not in self.unknown:
                price = self.value(symbol, fault)
                if price is not None:
                    touched = not self.faulty or symbol in self.faulty
                    fields = self._coin(price, codes, fault if touched else "", fault)
                    coins[coin_id] = _write_object({n: text for n, text in fields.items() if _is_wanted(n, included)})
        return _write_object(coins)

    def _coin(self, price: str, codes: Iterable[str], fault: str, any_fault: str) -> dict[str, str]:
        if fault == "no_fields":
            return {}
        moment = self.seconds(fault) - (DEAD_SECONDS if fault == "dead" else 0)
        seconds = "null" if fault == "no_time" else str(int(moment))
        change = "null" if fault == "dead" else self.change
        fields = {"usd": price, "usd_market_cap": self.market_cap, "usd_24h_vol": self.volume, "usd_24h_change": change}
        for code in codes:
            worth = None if code == "usd" else self.worth(code.upper(), any_fault)
            if worth is not None and price not in WRONG_VALUES.values():
                fields |= {code: f"{Decimal(price) * worth:f}", f"{code}_24h_change": self.change}
        return fields | {"last_updated_at": seconds}


def _is_wanted(name: str, included: Collection[str]) -> bool:
    """Return whether a field is to be told: a price always is, others are if they were asked for."""
    asked = [parameter for ending, parameter in INCLUDED.items() if name.endswith(ending)]
    return not asked or asked[0] in included


def _ticker(exchange: str, base: str, target: str, coin_id: str) -> dict[str, object]:
    market = {"name": exchange.title(), "identifier": exchange, "has_trading_incentive": False}
    return {"base": base, "target": target, "market": market, "coin_id": coin_id, "is_stale": False}


def _write_object(items: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in items.items()) + "}"


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    stand_in: CoinGecko
    protocol_version = "HTTP/1.1"
    # A head and its body are two writes: the second would wait 40 ms for the client's acknowledgement of the first.
    disable_nagle_algorithm = True
    timeout = 30

    def setup(self) -> None:
        """Be open."""
        super().setup()
        self.stand_in.connections.add(self.connection)

    def finish(self) -> None:
        """Be closed."""
        self.stand_in.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        """Answer, well or as the present fault has it."""
        url = urlsplit(self.path)
        if url.path == "/control":
            self.send(200, self.stand_in.control(url.query))
            return
        params = {name: values[0] for name, values in parse_qs(url.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.call = Call(url.path, params, headers, time.time())
        if url.path.endswith("/market_chart"):
            self.send(*self.stand_in.chart(url.path.split("/")[-2], params.get("days", "1")))
            return
        self.stand_in.calls += 1
        self.stand_in.requests.append(self.call)
        self.fault = self.stand_in.take_fault()
        with suppress(OSError):
            ANSWERS.get(self.fault, _answer)(self)

    def body(self) -> str:
        """Return the right body for the request."""
        params = self.call.params
        if self.call.path.endswith("/coins/list"):
            return json.dumps(self.stand_in.coins())
        if self.call.path.endswith("/search"):
            found = [
                coin for coin in self.stand_in.coins() if params.get("query", "").lower() in json.dumps(coin).lower()
            ]
            more = {"market_cap_rank": 1, "thumb": "", "large": ""}
            coins = [{**coin, "api_symbol": coin["id"], "symbol": coin["symbol"].upper(), **more} for coin in found]
            return json.dumps({"coins": coins, "exchanges": [], "icos": [], "categories": [], "nfts": []})
        if self.call.path.endswith("/tickers"):
            return self.stand_in.tickers_body(self.call.path.split("/")[-2])
        ids, codes = params.get("ids", "").split(","), params.get("vs_currencies", "").split(",")
        included = [name for name, value in params.items() if value == "true"]
        return self.stand_in.price_body(ids, codes, included, self.fault)

    def send(self, status: int, body: str, content_type: str = JSON_TYPE, **headers: str) -> None:
        """Send a whole answer."""
        self.send_head(status, len(body.encode()), content_type, **headers)
        self.wfile.write(body.encode())

    def send_head(self, status: int, length: int, content_type: str = JSON_TYPE, **headers: str) -> None:
        """Send all but the body."""
        self.send_response_only(status)
        always = {"Date": self.date_time_string(), "Content-Type": content_type, "Content-Length": str(length)}
        for name, value in {**always, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def drip(self, data: bytes) -> None:
        """Send *data* byte by byte."""
        for byte in data:
            if self.stand_in.stopping.wait(DRIP):
                break
            self.wfile.write(bytes((byte,)))
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Be quiet."""


def _answer(handler: _Handler) -> None:
    call = handler.call
    handler.stand_in.stopping.wait(handler.stand_in.delay)
    if call.path.endswith("/simple/price") and "vs_currencies" not in call.params:
        handler.send(422, '{"error":"Missing parameter vs_currencies"}')
    elif call.path.endswith("/tickers") and call.path.split("/")[-2] not in handler.stand_in.ids:
        handler.send(404, '{"error":"coin not found"}')
    elif call.path.endswith(("/simple/price", "/tickers", "/coins/list", "/search")):
        handler.send(200, handler.body())
    elif (body := documented(call.path)) is not None:
        handler.send(200, body)
    else:
        handler.send(404, '{"error":"Incorrect path. Please check https://docs.coingecko.com/"}')


def _hang(handler: _Handler) -> None:
    handler.stand_in.stopping.wait(30)
    handler.close_connection = True


def _drip_body(handler: _Handler) -> None:
    handler.send_head(200, 10_000)
    handler.drip(b" " * 10_000)


def _drip_head(handler: _Handler) -> None:
    handler.drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Slow: " + b"s" * 10_000)


def _truncate(handler: _Handler) -> None:
    body = handler.body().encode()
    handler.send_head(200, len(body))
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def _reset(handler: _Handler) -> None:
    handler.send_head(200, 5000)
    handler.wfile.write(b'{"bitcoin":{"usd":')
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def _flood(handler: _Handler) -> None:
    handler.send_head(200, 10_000_000)
    _pour(handler)


def _flood_in_a_chunk(handler: _Handler) -> None:
    """Send a chunk whose size is below zero, which a reader may take for `as much as comes`."""
    handler.send_response(200)
    handler.send_header("Content-Type", JSON_TYPE)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"-1\r\n")
    _pour(handler)
    handler.close_connection = True


def _pour(handler: _Handler) -> None:
    for _ in range(1000):
        handler.wfile.write(b" " * 10_000)


def _redirect(handler: _Handler) -> None:
    handler.send(302, "", Location=handler.stand_in.url.replace("127.0.0.1", "localhost"))


ANSWERS: Mapping[str, Callable[[_Handler], None]] = {
    "slow": _drip_body,
    "slow_head": _drip_head,
    "hang": _hang,
    "429": lambda handler: handler.send(429, LIMITED),
    "429_retry_after": lambda handler: handler.send(429, LIMITED, Retry_After="7"),
    "429_date": lambda handler: handler.send(429, LIMITED, Retry_After=UNTIL, Date=NOW),
    "401": lambda handler: handler.send(401, NO_KEY),
    "wrong_plan": lambda handler: handler.send(400, WRONG_PLAN),
    "403": lambda handler: handler.send(403, HTML, HTML_TYPE),
    "too_long_ago": lambda handler: handler.send(401, TOO_LONG_AGO),
    "plan": lambda handler: handler.send(401, NOT_ON_THIS_PLAN),
    "currency": lambda handler: handler.send(400, '{"error":"invalid vs_currency"}'),
    "404": lambda handler: handler.send(404, '{"error":"coin not found"}'),
    "451": lambda handler: handler.send(451, HTML, HTML_TYPE),
    "500": lambda handler: handler.send(500, HTML, HTML_TYPE),
    "503_retry_after": lambda handler: handler.send(503, HTML, HTML_TYPE, Retry_After="7"),
    "503_date": lambda handler: handler.send(503, HTML, HTML_TYPE, Retry_After=UNTIL, Date=NOW),
    "502": lambda handler: handler.send(502, HTML, HTML_TYPE),
    "429_as_200": lambda handler: handler.send(200, LIMITED),
    "error_body": lambda handler: handler.send(200, '{"error":"coin not found"}'),
    "unprintable": lambda handler: handler.send(400, r'{"error":"no \ud800\u001b[31m\u0000 coin"}'),
    "html": lambda handler: handler.send(200, HTML, HTML_TYPE),
    "wrong_type": lambda handler: handler.send(200, handler.body(), HTML_TYPE),
    "list_body": lambda handler: handler.send(200, "[]"),
    "deep": lambda handler: handler.send(200, "[" * 100_000),
    "truncated": _truncate,
    "empty": lambda handler: handler.send(200, ""),
    "empty_object": lambda handler: handler.send(200, "{}"),
    "big": _flood,
    "big_chunk": _flood_in_a_chunk,
    "reset": _reset,
    "redirect": _redirect,
}
CoinGecko.FAULTS = VALUES | ANSWERS.keys() | {"no_fields", "no_time", "dead"}
