"""Bars that hold on every page: accessibility, weight, stillness."""

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.browser.site import Site
from tests.browser.test_connection import Server, frame, rate

expect = pytest.importorskip("playwright.sync_api").expect
AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text()
RULES = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"
WATCH_SHIFTS = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.shift += entry.value; }))
    .observe({type: "layout-shift", buffered: true});
}"""
FIRST_LOAD_BYTES, FIRST_LOAD_REQUESTS = 100 * 1024, 15


def violations(page: Any) -> list[tuple[str, str]]:
    page.evaluate(AXE)
    found = page.evaluate(RULES)["violations"]
    return [(each["id"], node["html"][:200]) for each in found for node in each["nodes"]]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/coins/btc/", "/embed/btc/", "/?wall=1"])
def test_live_pages_are_accessible(open_page: Any, path: str, scheme: str, width: int) -> None:
    page = open_page(path, color_scheme=scheme, viewport={"width": width, "height": 900})
    expect(page.locator("#status")).to_contain_text("Live")
    assert violations(page) == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["offline", "empty", "stale"])
def test_troubled_pages_are_accessible(open_page: Any, state: str, scheme: str, width: int) -> None:
    page = open_page(goto=False, color_scheme=scheme, viewport={"width": width, "height": 900})
    rates = [] if state == "empty" else [rate(stale=state == "stale"), rate("ETH", disputed=True)]
    server = Server(page, frame("board", *rates))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Live")
    if state == "offline":
        server.greeting = []
        server.sockets[0].close()
        expect(page.locator("#status")).to_contain_text("Offline")
    assert violations(page) == []


@pytest.mark.parametrize("dialog", ["Settings", "Price alerts"])
def test_windows_are_accessible(open_page: Any, dialog: str) -> None:
    page = open_page("/")
    page.get_by_role("button", name=dialog).click()
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/", "/coins/btc/", "/embed/btc/"])
def test_nothing_scrolls_sideways_on_the_smallest_phone(open_page: Any, path: str) -> None:
    page = open_page(path, viewport={"width": 320, "height": 600})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_first_load_is_light(open_page: Any) -> None:
    page = open_page(goto=False)
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto("/", wait_until="networkidle")
    # The development server sends files as they are; production sends them compressed.
    sizes = {each.url: len(gzip.compress(each.body())) for each in answers}
    assert len(answers) <= FIRST_LOAD_REQUESTS, list(sizes)
    assert sum(sizes.values()) <= FIRST_LOAD_BYTES, sizes


def test_updates_move_nothing(open_page: Any, site: Site) -> None:
    page = open_page("/")
    page.evaluate(WATCH_SHIFTS)
    expect(page.locator("#status")).to_contain_text("Live")
    for price in ("63249.11", "63333.33", "62111.00", "63250.12"):
        site.coingecko.prices["BTC"] = Decimal(price)
        expect(page.locator(".card[data-symbol=BTC] .px")).to_have_text(f"${Decimal(price):,.2f}")
    assert page.evaluate("window.shift") < 0.01
