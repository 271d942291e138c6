"""
What `/api/v3/simple/price` costs: `python -m benchmarks.coingecko`.

Our server and a bare Starlette route that sends the same bytes, headers too, take turns under the same uvicorn; the
same client asks both over a few connections that stay open. Then the sizes of answers, and the CPU time of an answer
after a publication. Starlette is fetched into a temporary folder.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

from benchmarks.fan_out import cpu_seconds, redis_server, running, set_up_django
from tests.ports import free_port

STARLETTE = "starlette==1.10.0"
CONNECTIONS, ROUNDS, SECONDS = 16, 15, 0.5
CURRENCIES = ("usd", "eur", "gbp", "jpy", "chf", "cad", "aud")
WORTHS = dict(
    zip(CURRENCIES[1:], ("0.921337", "0.791234", "151.5123", "0.882345", "1.371234", "1.512345"), strict=True)
)
PATH = f"/api/v3/simple/price?ids=c000,c001,c002,c003&vs_currencies={','.join(CURRENCIES)}"
BARE = """
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

HEADERS = {headers!r}

async def price(request):
    if request.headers.get("if-none-match") == HEADERS["etag"]:
        return Response(status_code=304, headers=HEADERS)
    return Response({body!r}, media_type="application/json", headers=HEADERS)

app = Starlette(routes=[Route("/api/v3/simple/price", price)])
"""


class Speed(NamedTuple):
    """Requests a second, and microseconds of the server's CPU for each."""

    rate: float
    cpu: float


class Client:
    """A client that keeps a few connections open to one server, over which one request after the other goes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._request = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".encode()

    def body(self) -> bytes:
        """Return the answer."""
        with urlopen(f"http://127.0.0.1:{self._port}{PATH}") as answer:
            body: bytes = answer.read()
        return body

    def headers(self) -> dict[str, str]:
        """Return the headers of the answer that a bare server has not by itself."""
        with urlopen(f"http://127.0.0.1:{self._port}{PATH}") as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
        own = ("date", "connection", "content-type", "content-length")
        return {name: value for name, value in told.items() if name not in own}

    def measure(self, pid: int) -> Speed:
        """Ask for a while; the server would close connections that nobody uses between two rounds."""
        with ExitStack() as stack:
            address = ("127.0.0.1", self._port)
            sockets = [stack.enter_context(socket.create_connection(address)) for _ in range(CONNECTIONS)]
            before, began, asked = cpu_seconds(pid), time.monotonic(), 0
            while time.monotonic() - began < SECONDS:
                for each in sockets:
                    each.sendall(self._request)
                asked += len([receive(each) for each in sockets])
            return Speed(asked / (time.monotonic() - began), (cpu_seconds(pid) - before) / asked * 1e6)


def receive(connection: socket.socket) -> bytes:
    """Return the body of the next answer."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += receive_some(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += receive_some(connection)
    return body


def receive_some(connection: socket.socket) -> bytes:
    """Return what has arrived; a server that closes is an error."""
    if not (part := connection.recv(65536)):
        raise SystemExit("the server has closed a connection")
    return part


def fill(coins: int) -> None:
    """Create the database with *coins* coins, and store a board with their prices in all currencies."""
    from django.core.management import call_command  # noqa: PLC0415 - Django reads its settings first
    from django.db import connection  # noqa: PLC0415

    from rates import store  # noqa: PLC0415
    from rates.models import Coin  # noqa: PLC0415
    from rates.store import Change  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    snapshot = make_snapshot(coins)
    Coin.objects.bulk_create(
        Coin(symbol=s, name=f"Coin {s}", coingecko_id=s.lower(), position=n) for n, s in enumerate(snapshot.fragments)
    )
    connection.close()
    store.update_board(lambda _: Change(datetime.now(UTC), snapshot.fragments, {}, currencies=snapshot.currencies))


def make_snapshot(coins: int, seq: int = 1) -> Any:
    """Return a board of *coins* coins, with what the base is worth in the other currencies."""
    from rates.publication import encode_row  # noqa: PLC0415 - Django reads its settings first
    from rates.types import Currency, Rate, Row, Snapshot, time_text  # noqa: PLC0415

    now = datetime.now(UTC)
    worths = {code: Currency(code, worth, "0.12", "kraken", time_text(now)) for code, worth in WORTHS.items()}
    rows = []
    for number in range(coins):
        rate = Rate(
            f"C{number:03}", Decimal("63250.12") + number, Decimal("-1.41"), Decimal(10**10), "kraken", now, now
        )
        rows.append(encode_row(Row(rate.symbol, f"Coin {rate.symbol}", rate)))
    return Snapshot("epoch", seq, time_text(now), {row.symbol: row for row in rows}, worths)


def compare(folder: Path) -> None:
    """Measure both servers in turns."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--target",
            folder / "bare",
            STARLETTE,
        ],
        check=True,
    )
    ports = {"ours": free_port(), "bare": free_port()}
    with ExitStack() as stack:
        command = [sys.executable, "manage.py", "serve"]
        ours = stack.enter_context(running(command, ports["ours"], PORT=str(ports["ours"])))
        asker = Client(ports["ours"])
        body = asker.body()
        (folder / "bare/bare.py").write_text(BARE.format(body=body, headers=asker.headers()))
        command = [sys.executable, "-m", "uvicorn", "bare:app", "--port", str(ports["bare"])]
        command += ["--no-access-log", "--log-level", "warning"]
        bare = stack.enter_context(running(command, ports["bare"], PYTHONPATH=str(folder / "bare")))
        servers = {"ours": (Client(ports["ours"]), ours.pid), "bare": (Client(ports["bare"]), bare.pid)}
        assert servers["bare"][0].body() == body
        rounds = [{name: client.measure(pid) for name, (client, pid) in servers.items()} for _ in range(ROUNDS)]
    print(f"4 coins in 7 currencies, {len(body)} bytes, medians of {ROUNDS} rounds in turns")
    for name in servers:
        rate = statistics.median(each[name].rate for each in rounds)
        cpu = statistics.median(each[name].cpu for each in rounds)
        print(f"  {name:5} {rate:7,.0f} requests/s  {cpu:6.1f} µs of CPU each")
    ratios = [each["ours"].rate / each["bare"].rate for each in rounds]
    cpu = statistics.median(each["bare"].cpu / each["ours"].cpu for each in rounds)
    print(f"  ours / bare: {statistics.median(ratios):.2f} of the requests a second, {cpu:.2f} of those by CPU time")


def measure_answers() -> None:
    """Measure how large answers are, and what one costs after a publication."""
    from rates.coingecko_api import simple_price  # noqa: PLC0415 - Django reads its settings first
    from rates.coingecko_api.board import make_board  # noqa: PLC0415
    from rates.coingecko_api.catalog import make_catalog  # noqa: PLC0415
    from rates.coingecko_api.replies import ENCODER  # noqa: PLC0415

    for coins, currencies in ((1, 7), (4, 7), (300, 7)):
        snapshot = make_snapshot(coins)
        catalog = make_catalog([(symbol.lower(), symbol, symbol) for symbol in snapshot.fragments])
        params = {"ids": ",".join(catalog.coins), "vs_currencies": ",".join(CURRENCIES[:currencies])}
        took = []
        for _ in range(30):
            began = time.process_time()
            body = ENCODER.encode(simple_price.answer(make_board(snapshot, catalog, {}), params)[0])
            took.append(time.process_time() - began)
        cpu = statistics.median(took) * 1e3
        print(f"{coins:3} coins in {currencies} currencies: {len(body):6,} bytes, {cpu:5.2f} ms of CPU")


def main() -> None:
    """Measure everything."""
    os.environ["RATES_STALE_AFTER"] = "86400"
    with tempfile.TemporaryDirectory() as name, redis_server(folder := Path(name)) as url:
        set_up_django(url, folder)
        fill(4)
        measure_answers()
        compare(folder)


if __name__ == "__main__":
    main()
