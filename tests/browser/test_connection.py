"""What the page says of its connection and of old prices; the browser plays the server's side of the socket."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.browser.site import Site

expect = pytest.importorskip("playwright.sync_api").expect
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
        page.route_web_socket(re.compile("/ws/rates"), self.accept)

    def accept(self, socket: Any) -> None:
        self.sockets.append(socket)
        for text in self.greeting:
            socket.send(text)


@pytest.fixture
def page(open_page: Any) -> Any:
    return open_page(goto=False)


def test_page_is_live_only_after_the_first_frame(page: Any) -> None:
    server = Server(page)
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Connecting")
    server.sockets[0].send(frame("board", rate()))
    expect(page.locator("#status")).to_contain_text("Live")


def test_junk_and_unknown_frames_are_ignored(page: Any) -> None:
    server = Server(page, "no json", "[1]", "null", '{"type": 5}', '{"type": "surprise"}', frame("board", rate()))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Live")
    server.sockets[0].send(frame("update", rate(price="63251.50"), seq=2, removed=[]))
    expect(page.locator(".card[data-symbol=BTC] .px")).to_have_text("$63,251.50")


def test_a_lost_connection_says_so_and_heals_by_itself(page: Any) -> None:
    server = Server(page, frame("board", rate()))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Live")
    server.greeting = []
    server.sockets[0].close()
    expect(page.locator("#status")).to_contain_text("Offline")
    expect(page.locator("#banner")).to_contain_text("Connection lost")
    expect(page.locator(".card[data-symbol=BTC] .px")).to_have_text("$63,250.12")
    server.greeting = [json.dumps(HELLO), frame("board", rate(price="63300.00"))]
    page.get_by_role("button", name="Retry now").click()
    expect(page.locator(".card[data-symbol=BTC] .px")).to_have_text("$63,300.00")
    expect(page.locator("#banner")).to_be_hidden()


def test_silence_is_noticed_within_fifteen_seconds(page: Any) -> None:
    page.clock.install(time=time.time())
    Server(page, frame("board", rate()))
    page.goto("/")
    page.clock.run_for(1500)
    expect(page.locator("#status")).to_contain_text("Live")
    page.clock.run_for(13500)
    expect(page.locator("#status")).not_to_contain_text("Live")
    expect(page.locator(".card[data-symbol=BTC]")).to_have_class(re.compile("old"))


def test_a_dead_worker_is_noticed_while_the_server_still_answers(page: Any) -> None:
    page.clock.install(time=time.time())
    first = frame("board", rate())
    server = Server(page, first)
    page.goto("/")
    page.clock.run_for(1500)
    beat = json.dumps(json.loads(first) | {"type": "heartbeat"})
    for _ in range(3):
        page.clock.run_for(4500)
        server.sockets[-1].send(beat)
    page.clock.run_for(1500)
    expect(page.locator("#status")).to_contain_text("Delayed")
    expect(page.locator("#banner")).to_contain_text("Prices are late")
    expect(page.locator(".card[data-symbol=BTC] [data-part=tag]")).to_contain_text("old")


def test_one_stale_and_one_disputed_coin_are_marked_in_words(page: Any) -> None:
    old = (datetime.now(UTC) - timedelta(seconds=42)).isoformat()
    Server(page, frame("board", rate(), rate("ETH", stale=True, observed_at=old), rate("SOL", disputed=True)))
    page.goto("/")
    expect(page.locator(".card[data-symbol=ETH] [data-part=tag]")).to_contain_text(re.compile(r"4\d s old"))
    expect(page.locator(".card[data-symbol=SOL] [data-part=tag]")).to_have_text("disputed")
    expect(page.locator(".card[data-symbol=BTC]")).not_to_have_class(re.compile("old|disputed"))


def test_an_empty_board_says_so(page: Any) -> None:
    Server(page, frame("board"))
    page.goto("/")
    expect(page.get_by_role("heading", name="No coins yet")).to_be_visible()
    expect(page.locator(".card")).to_have_count(0)


def test_page_survives_the_death_of_the_web_process(open_page: Any, site: Site) -> None:
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    site.stop("web")
    expect(page.locator("#status")).to_contain_text("Offline", timeout=15000)
    site.start("web")
    expect(page.locator("#status")).to_contain_text("Live", timeout=40000)
