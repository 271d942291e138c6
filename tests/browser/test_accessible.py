"""axe-core finds nothing: every kind of page, in every state, in both themes, on a desk and in a hand."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string

from tests.browser.axe import violations
from tests.browser.sockets import Server, frame, rate

expect = pytest.importorskip("playwright.sync_api").expect
FEW = ("BTC", "ETH", "SOL")
MANY = ("BTC", "ETH", "SOL", "XLM", "DOGE", "LTC", "PEPE", "EVIL")
PAGES = {
    "few coins": ("/", FEW),
    "table": ("/", MANY),
    "coin": ("/coins/btc/", ("BTC",)),
    "embed": ("/embed/btc/?pins=eth", ("BTC", "ETH")),
    "wall": ("/?wall=1", MANY),
}
OLD = (datetime.now(UTC) - timedelta(minutes=3)).isoformat()


def looks(page: Any) -> Iterator[str]:
    """Give the page both themes in both widths, one after the other, and say which it has."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            yield f"{width} {scheme}"


def found(page: Any, state: str, hear: Callable[[], object] = lambda: None) -> list[tuple[str, tuple[str, str]]]:
    """Return what is wrong in any look; *hear* lets the page hear of its server before each of them."""
    wrong = []
    for look in looks(page):
        hear()
        wrong += [(f"{state} {look}", each) for each in violations(page)]
    return wrong


@pytest.mark.parametrize("kind", PAGES)
def test_every_page_is_accessible_in_every_state(open_page: Any, kind: str) -> None:
    path, symbols = PAGES[kind]
    page = open_page(goto=False)
    server = Server(page, frame("board", *map(rate, symbols)))
    page.goto(path)
    status = page.locator("#status")
    expect(status).to_contain_text("Live")
    wrong = found(page, "live", server.beat)

    doubtful = [rate(symbols[0], disputed=True), *(rate(each, stale=True, observed_at=OLD) for each in symbols[1:])]
    server.show(frame("board", *doubtful, seq=2))
    expect(page.locator("[data-part=tag]").first).to_have_text("disputed")
    wrong += found(page, "doubtful", server.beat)

    server.show(frame("board", seq=3))
    expect(page.locator("[data-symbol]")).to_have_count(0)
    wrong += found(page, "empty", server.beat)

    server.show(frame("board", *map(rate, symbols), seq=4))
    expect(page.locator(".card").first).to_be_visible()
    server.greeting = []
    server.sockets[-1].close()
    expect(status).to_contain_text("Offline")
    wrong += found(page, "offline")
    assert wrong == []


@pytest.mark.parametrize(
    ("button", "window"), [("Settings", "#settings"), ("Price alerts", "#alerts"), ("Lists", "#lists")]
)
def test_windows_are_accessible(open_page: Any, button: str, window: str) -> None:
    page = open_page("/")
    if window == "#alerts":
        page.evaluate('localStorage[\'rates.alerts\'] = \'[{"symbol": "BTC", "kind": "move", "value": 90}]\'')
        page.evaluate('localStorage[\'rates.told\'] = \'[{"text": "BTC rose", "at": "2026-11-30T12:00:00Z"}]\'')
        page.reload()
    page.get_by_role("button", name=button).click()
    expect(page.locator(window)).to_be_visible()
    assert found(page, window) == []


@pytest.mark.parametrize("name", ["404.html", "429.html", "500.html", "503.html"])
def test_pages_about_problems_are_accessible(open_page: Any, name: str) -> None:
    page = open_page(goto=False)
    text = render_to_string(name, {"reason": "It is away."})
    page.route("**/problem", lambda route: route.fulfill(body=text, content_type="text/html; charset=utf-8"))
    page.goto("/problem")
    expect(page.get_by_role("link", name="All coins")).to_be_visible()
    assert found(page, name) == []
    page.set_viewport_size({"width": 320, "height": 600})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize(("path", "heading"), [("/api/", "HTTP API"), ("/login/", "Log in")])
def test_pages_without_prices_of_their_own_are_accessible(open_page: Any, path: str, heading: str) -> None:
    page = open_page(path)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert found(page, path) == []
    page.set_viewport_size({"width": 320, "height": 600})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
