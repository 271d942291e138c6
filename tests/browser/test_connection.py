"""What the page says of its connection and of old prices; the browser plays the server's side of the socket."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.browser.site import Site
from tests.browser.sockets import HELLO, Server, frame, rate

expect = pytest.importorskip("playwright.sync_api").expect

# Collects the kinds of all events of `/api/stream` where `expect` can wait for them.
LISTEN = """() => {
    const root = document.documentElement, source = new EventSource("/api/stream?symbols=btc,ETH")
    source.onopen = () => { root.dataset.heard = "open" }
    for (const kind of ["hello", "board", "update", "heartbeat", "bye"])
        source.addEventListener(kind, (event) => { root.dataset.heard += " " + JSON.parse(event.data).type })
}"""


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
    expect(page.locator("#status")).to_contain_text("Prices are late")
    expect(page.locator("#banner")).to_contain_text("Prices are late")
    expect(page.locator(".card[data-symbol=BTC] [data-part=tag]")).to_contain_text("old")


def test_the_header_is_not_live_while_every_price_is_stale(page: Any) -> None:
    long_ago = (datetime.now(UTC) - timedelta(seconds=95)).isoformat()
    stale = [rate(symbol, stale=True, observed_at=long_ago) for symbol in ("BTC", "ETH")]
    server = Server(page, frame("board", *stale))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text(re.compile(r"late\D*1 min"))
    expect(page.locator("#banner")).to_contain_text(re.compile("late.*No source has a newer one", re.S))
    server.sockets[-1].send(frame("update", rate("ETH"), seq=2, removed=[]))
    expect(page.locator("#status")).to_contain_text("Live")


def test_a_start_without_a_network_says_so_and_what_shows_prices_all_the_same(page: Any) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    page.route("**/pauses", lambda route: route.fulfill(json={"coingecko": soon}))
    unknown = {"price": None, "change_24h_pct": None, "source": None, "observed_at": None}
    server = Server(page, frame("board", rate(**unknown), rate("ETH", **unknown)))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("No source can be reached")
    expect(page.locator("#banner")).to_contain_text(re.compile(r"CoinGecko is asked again at [\d:]+"))
    expect(page.locator("#banner")).to_contain_text("make demo")
    page.set_viewport_size({"width": 320, "height": 600})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    server.sockets[-1].send(frame("update", rate("ETH"), seq=2, removed=[]))
    expect(page.locator("#status")).to_contain_text("Live")
    expect(page.locator("#banner")).to_be_hidden()


def test_one_stale_and_one_disputed_coin_are_marked_in_words(page: Any) -> None:
    old = (datetime.now(UTC) - timedelta(seconds=42)).isoformat()
    Server(page, frame("board", rate(), rate("ETH", stale=True, observed_at=old), rate("SOL", disputed=True)))
    page.goto("/")
    expect(page.locator(".card[data-symbol=ETH] [data-part=tag]")).to_contain_text(re.compile(r"[45]\d s old"))
    expect(page.locator(".card[data-symbol=SOL] [data-part=tag]")).to_have_text("disputed")
    expect(page.locator(".card[data-symbol=BTC]")).not_to_have_class(re.compile("old|disputed"))


def test_a_change_of_source_shows_on_the_coin_and_below_the_board(page: Any) -> None:
    server = Server(page, frame("board", rate(source="binance"), rate("ETH", source="binance")))
    page.goto("/")
    expect(page.locator("#sources")).to_have_text("Data: Binance")
    server.sockets[-1].send(frame("update", rate(source="kraken"), seq=2, removed=[]))
    expect(page.locator(".card[data-symbol=BTC] [data-part=source]")).to_have_text("Kraken")
    expect(page.locator("#sources")).to_have_text("Data: Binance, Kraken")


def test_an_empty_board_says_so(page: Any) -> None:
    Server(page, frame("board"))
    page.goto("/")
    expect(page.get_by_role("heading", name="No coins yet")).to_be_visible()
    expect(page.locator(".card")).to_have_count(0)


def test_an_update_that_was_long_on_its_way_is_not_live(page: Any) -> None:
    server = Server(page, frame("board", rate()))
    page.goto("/")
    for seq in range(2, 5):
        server.sockets[-1].send(frame("update", rate(), seq=seq, removed=[]))
    expect(page.locator("#status")).to_contain_text("Live")
    server.sockets[-1].send(frame("update", rate(price="63111.00"), seq=5, age=30, removed=[]))
    expect(page.locator("#status")).to_contain_text("Prices are late")
    expect(page.locator("#status .age")).to_contain_text(re.compile(r"^3\d s"))


def test_a_server_that_does_not_let_the_page_in_is_not_asked_again(page: Any) -> None:
    server = Server(page, frame("board", rate()))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Live")
    server.sockets[-1].close(code=4003)
    expect(page.locator("#status")).to_contain_text("Not allowed")
    expect(page.locator("#banner")).to_contain_text("server refused the connection")
    page.wait_for_timeout(1500)
    assert len(server.sockets) == 1


def test_the_badge_says_when_exactly(page: Any) -> None:
    Server(page, frame("board", rate()))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Live")
    expect(page.locator("#status")).to_have_attribute("title", re.compile(r"^As of \w+ \d+, \d{4}, [\d:]+"))
    exact = page.locator("#status time").get_attribute("datetime")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(exact)) < timedelta(minutes=1)


def test_a_machine_that_slept_since_the_browsers_start_tells_the_time_right(page: Any) -> None:
    page.add_init_script("Object.defineProperty(performance, 'timeOrigin', {value: Date.now() - 7200_000})")
    Server(page, frame("board", rate()))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text(re.compile(r"Live\s+\d\.\d s"))


def test_a_coin_page_says_when_its_coin_is_gone(page: Any) -> None:
    server = Server(page, frame("board", rate()))
    page.goto("/coins/btc/")
    expect(page.locator("#status")).to_contain_text("Live")
    server.sockets[-1].send(frame("update", seq=2, removed=["BTC"]))
    expect(page.get_by_role("heading", name="no longer on the board")).to_be_visible()
    server.sockets[-1].send(frame("update", rate(name="Renamed"), seq=3, removed=[]))
    expect(page.get_by_role("heading", name="no longer on the board")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("Renamed (BTC)")


def test_the_death_of_the_web_process_is_noticed_and_healed(open_page: Any, site: Site) -> None:
    """By the page, and by a browser's own `EventSource`, which was told when to come back."""
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    page.evaluate(LISTEN)
    expect(page.locator("html")).to_have_attribute("data-heard", re.compile("^open hello board( update)+"))
    site.stop("web")
    expect(page.locator("#status")).to_contain_text("Offline", timeout=15000)
    page.evaluate("document.documentElement.dataset.heard = 'none'")
    site.start("web")
    expect(page.locator("#status")).to_contain_text("Live", timeout=40000)
    expect(page.locator("html")).to_have_attribute("data-heard", re.compile("^open hello.* update"), timeout=40000)


def test_a_network_that_drops_everything_is_noticed_and_healed(open_page: Any, site: Site) -> None:
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    site.freeze("web")
    expect(page.locator("#status")).to_contain_text(re.compile("late|Offline"), timeout=15000)
    expect(page.locator(".card").first).to_have_class(re.compile("old"))
    site.freeze("web", on=False)
    expect(page.locator("#status")).to_contain_text("Live", timeout=40000)
    expect(page.locator(".card").first).not_to_have_class(re.compile("old"))


def test_the_death_of_the_worker_is_noticed_and_healed(open_page: Any, site: Site) -> None:
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    site.stop("worker")
    expect(page.locator("#status")).to_contain_text("Prices are late", timeout=15000)
    expect(page.locator("#banner")).to_contain_text("The server responds, but no new prices have arrived")
    site.start("worker")
    expect(page.locator("#status")).to_contain_text("Live", timeout=40000)
    expect(page.locator("#banner")).to_be_hidden()
