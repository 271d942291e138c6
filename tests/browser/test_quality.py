"""Bars that hold on every page: weight, stillness, no growth, nobody else asked, nothing wider than the window."""

import gzip
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.site import COINS, Site
from tests.browser.sockets import Server, frame, rate
from tests.browser.values import await_value

expect = pytest.importorskip("playwright.sync_api").expect
PAGES = ("/", "/coins/btc/", "/coins/evil/", "/embed/evil/?pins=btc", "/?wall=1")
# Of each page: bytes with headers, compressed, and requests.
FIRST_LOAD = {"/": (80 * 1024, 20), "/coins/btc/": (120 * 1024, 29)}
WATCH_SHIFTS = """
  window.shift = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.shift += entry.value; }))
    .observe({type: "layout-shift", buffered: true});
"""
WATCH_FLASHES = """() => {
  window.flashed = [];
  new MutationObserver((all) => all.forEach(({target}) => {
    if (target.dataset.flash) window.flashed.push(target.querySelector(".tail").textContent);
  })).observe(document.body, {subtree: true, attributeFilter: ["data-flash"]});
}"""
UPDATES, PORTION = 10_000, 500
# Pages on which nothing moves.
PATHS = ("/", "/coins/btc/", "/?wall=1")


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_scrolls_sideways_on_the_smallest_phone(open_page: Any, path: str, locale: str) -> None:
    page = open_page(goto=False, viewport={"width": 320, "height": 600}, locale=locale)
    page.goto(path)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("opener", ["#settings-open", "#alerts-open", "#lists-open"])
def test_windows_fit_the_smallest_phone(open_page: Any, opener: str) -> None:
    page = open_page("/", viewport={"width": 320, "height": 600}, locale="de-DE")
    page.locator(opener).click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    assert dialog.evaluate("each => each.scrollWidth <= each.clientWidth")


@pytest.mark.parametrize("path", FIRST_LOAD)
def test_first_load_is_light(open_page: Any, path: str) -> None:
    page = open_page(goto=False)
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    preloaded = {link.get_attribute("href") for link in page.locator("link[rel=modulepreload]").all()}
    scripts = {urlsplit(answer.url).path for answer in answers if re.search(r"/js/.*\.js$", answer.url)}
    weight, requests = FIRST_LOAD[path]
    headers = sum(answer.request.sizes()["responseHeadersSize"] for answer in answers)
    assert headers + sum(len(gzip.compress(answer.body())) for answer in answers) <= weight
    assert len(answers) <= requests
    assert scripts == preloaded


@pytest.mark.parametrize("path", PAGES)
def test_no_page_asks_anybody_else(open_page: Any, site: Site, path: str) -> None:
    page = open_page(goto=False)
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: asked.add(urlsplit(socket.url).netloc))
    page.goto(path)
    expect(page.locator("#status")).to_contain_text("Live")
    assert asked <= {urlsplit(site.url).netloc, ""}  # data: has no host


def test_nothing_moves_while_prices_do(open_page: Any, site: Site) -> None:
    pages = [open_page(goto=False, viewport={"width": width, "height": 900}) for width in (1280, 390) for _ in PATHS]
    held: list[Any] = []
    for page, path in zip(pages, PATHS * 2, strict=True):
        page.route("**/*.woff2", lambda route: held.append(route))
        page.add_init_script(WATCH_SHIFTS)
        page.goto(path, wait_until="commit")
        expect(page.locator("#status")).to_contain_text("Live")
    for route in held:  # the font comes when the pages have long been painted
        route.continue_()
    boxes = [page.locator(".card").first.bounding_box() for page in pages]
    for step in range(15):
        for symbol in ("XLM", "PEPE", "ETH", "BTC"):
            price = Decimal(COINS[symbol][2])
            site.coingecko.prices[symbol] = (price * (1 + Decimal(step % 7) / 500)).quantize(price)
        for each in pages:
            title = f"${site.coingecko.prices['BTC']:,}"
            expect(each.locator(".card[data-symbol=BTC] .px")).to_have_attribute("title", title)
    assert [page.locator(".card").first.bounding_box() for page in pages] == boxes
    shifts = [page.evaluate("window.shift") for page in pages]
    assert max(shifts) < 0.01, shifts


def test_a_page_does_not_grow(open_page: Any, interpreter: Any) -> None:
    page = open_page(goto=False, chromium=interpreter)
    server = Server(page, frame("board", *map(rate, ("BTC", "ETH", "SOL"))))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Live")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    sizes = []
    for first in range(0, UPDATES, PORTION):
        for number in range(first, first + PORTION):
            price = str(Decimal(60000) + number % 977)
            server.sockets[-1].send(frame("update", rate(price=price), seq=number + 2, removed=[]))
        expect(page.locator(".card[data-symbol=BTC] .px")).to_have_attribute("title", f"${Decimal(price):,}")
        devtools.send("HeapProfiler.collectGarbage")
        counters = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
        sizes.append((counters["JSHeapUsedSize"], counters["Nodes"]))
    # What is bounded has filled by then, such as lines.
    early, end = sizes[11], sizes[-1]
    assert end[0] < 1.01 * early[0], f"heap after 6,000 and after 10,000 updates: {early[0]:,.0f}, {end[0]:,.0f} bytes"
    assert end[1] <= early[1] + 20


def test_motion_is_only_for_those_who_want_it(open_page: Any, site: Site) -> None:
    def flashes(motion: str) -> bool:
        page = open_page("/", reduced_motion=motion)
        expect(page.locator("#status")).to_contain_text("Live")
        page.evaluate(WATCH_FLASHES)
        old, new = ("148.34", "148.39") if motion == "reduce" else ("148.39", "148.34")
        site.coingecko.prices["SOL"] = Decimal(new)
        expect(page.locator(".card[data-symbol=SOL] .px")).to_have_text(f"${new}")
        return bool(page.evaluate("window.flashed").count(new[len(shared(old, new)) :]))

    assert not flashes("reduce")
    assert flashes("no-preference")


def test_a_price_that_is_told_twice_before_it_is_painted_flashes_all_the_same(open_page: Any) -> None:
    page = open_page(goto=False, reduced_motion="no-preference")
    server = Server(page, frame("board", rate(price="100.00")))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Live")
    page.evaluate(WATCH_FLASHES)
    page.evaluate("() => { window.requestAnimationFrame = (paint) => setTimeout(paint, 1500); }")
    for seq in (2, 3):
        server.sockets[-1].send(frame("update", rate(price="101.00"), seq=seq, removed=[]))
    expect(page.locator(".card[data-symbol=BTC] .px")).to_have_text("$101.00")
    await_value(page, "window.flashed", ["1.00"])


def shared(one: str, other: str) -> str:
    return "".join(a for a, b in zip(one, other, strict=True) if a == b)


def test_state_is_not_told_by_colour_alone(open_page: Any) -> None:
    page = open_page(goto=False, forced_colors="active")
    Server(page, frame("board", *map(rate, ("ETH", "SOL")), rate("BTC", change_24h_pct="-1.41")))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Live")
    border = "each => getComputedStyle(each).borderTopStyle"
    assert page.locator(".card .pct").first.evaluate(border) == "solid"
    assert page.locator("#status").evaluate(border) == "solid"
    chosen = page.locator("[data-filter=all]").evaluate("each => getComputedStyle(each).outlineStyle")
    assert chosen == "solid"
    down = page.locator(".card[data-symbol=BTC] .pct")
    expect(down).to_contain_text("−")
    expect(down.locator("path")).to_have_attribute("d", re.compile("^M4.5 8"))


@pytest.fixture
def policy_of(open_page: Any) -> Callable[[str], str]:
    page = open_page(goto=False)
    return lambda path: page.request.get(path).headers["content-security-policy"]


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_allows_nothing_inline(policy_of: Callable[[str], str], path: str) -> None:
    policy = policy_of(path)
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy


def test_what_a_server_sends_is_shown_as_text(open_page: Any) -> None:
    evil = '<img src=x onerror="document.title=1">\u202e' + 200 * "w"
    page = open_page(goto=False, viewport={"width": 320, "height": 700})
    Server(page, frame("board", rate(name=evil, source=evil), rate("ETH")))
    page.goto("/")
    expect(page.locator(".card[data-symbol=BTC] [data-part=name]")).to_have_text(evil)
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert json.loads(page.evaluate("JSON.stringify(document.title)")) != "1"
