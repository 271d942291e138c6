"""What a visitor can do, by mouse and by keyboard alone, and what the page remembers."""

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.browser.site import Site

expect = pytest.importorskip("playwright.sync_api").expect


def symbols(page: Any, selector: str) -> list[str]:
    return page.eval_on_selector_all(selector, "all => all.filter(e => !e.hidden).map(e => e.dataset.symbol)")


def test_sort_goes_down_up_and_back_and_is_remembered(open_page: Any) -> None:
    page = open_page("/")
    button = page.get_by_role("button", name="Price", exact=True)
    button.click()
    expect(page.locator("th:has([data-sort=price])")).to_have_attribute("aria-sort", "descending")
    assert symbols(page, "#rows tr")[0] == "BTC"
    button.click()
    assert symbols(page, "#rows tr")[0] == "PEPE"
    page.reload()
    expect(page.locator("th:has([data-sort=price])")).to_have_attribute("aria-sort", "ascending")
    button.click()
    assert page.locator("[aria-sort]").count() == 0


def test_search_finds_by_name_and_symbol_from_the_keyboard(open_page: Any) -> None:
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    page.keyboard.press("/")
    page.keyboard.type("dog")
    assert symbols(page, "#rows tr") == ["DOGE"]


def test_a_pin_moves_a_coin_to_the_cards_and_is_painted_first_after_a_reload(open_page: Any) -> None:
    page = open_page("/")
    page.get_by_role("row").get_by_role("button", name="Pin Litecoin").click()
    assert symbols(page, "#cards .card") == ["BTC", "ETH", "SOL", "XLM", "LTC"]
    body = page.context.request.get("/").text()
    assert 'class="card" data-symbol="LTC"' in body
    page.get_by_role("button", name="Pinned", exact=True).click()
    assert len(symbols(page, "#rows tr")) == 5


def test_pause_stops_the_page_and_resuming_shows_the_newest(open_page: Any, site: Site) -> None:
    page = open_page("/")
    price = page.locator("tr[data-symbol=LTC] .px")
    expect(page.locator("#status")).to_contain_text("Live")
    page.keyboard.press("p")
    expect(page.locator("#status")).to_contain_text("Paused")
    shown = price.text_content()
    site.coingecko.prices["LTC"] = Decimal("72.44")
    page.wait_for_timeout(1500)
    assert price.text_content() == shown
    page.keyboard.press("p")
    expect(price).to_have_text("$72.44")


def test_theme_palette_and_keys_are_remembered(open_page: Any) -> None:
    page = open_page("/")
    page.keyboard.press("?")
    page.locator("[data-setting=theme]").select_option("dark")
    page.locator("[data-setting=palette]").select_option("blue")
    page.locator("[data-setting=keys]").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    assert page.evaluate("({...document.documentElement.dataset})") == {"theme": "dark", "palette": "blue"}
    page.keyboard.press("?")
    expect(page.locator("#settings")).to_be_hidden()


def test_an_alert_fires_once_and_shows_its_distance(open_page: Any, site: Site) -> None:
    page = open_page("/")
    page.get_by_role("button", name="Price alerts").click()
    form = page.locator("#alert-form")
    form.locator("[name=symbol]").select_option("DOGE")
    form.locator("[name=value]").fill("0.2")
    form.get_by_role("button", name="Add the alert").click()
    expect(page.locator("#alert-list li")).to_contain_text(re.compile(r"DOGE above \$0\.2000.*64\.43% away"))
    expect(page.locator("#toast")).to_be_empty()
    page.keyboard.press("Escape")
    site.coingecko.prices["DOGE"] = Decimal("0.2001")
    site.coingecko.prices["DOGE"] = Decimal("0.125")
    page.get_by_role("button", name="Price alerts").click()
    form.locator("[name=symbol]").select_option("DOGE")
    form.locator("[name=value]").fill("0.123")
    form.get_by_role("button", name="Add the alert").click()
    page.keyboard.press("Escape")
    expect(page.locator("#toast")).to_contain_text("DOGE is at $0.1250")


def test_the_tab_title_carries_the_first_pin_and_can_be_turned_off(open_page: Any) -> None:
    page = open_page("/")
    expect(page).to_have_title(re.compile(r"63,250\.12 ▼ BTC"))
    page.keyboard.press("?")
    page.locator("[data-setting=title]").uncheck()
    expect(page).to_have_title("Live rates")


def test_keyboard_alone_reaches_everything(open_page: Any) -> None:
    page = open_page("/")
    expect(page.locator("#settings-open")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to prices")).to_be_focused()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.dataset.part || ''"))
    assert {"pause", "alerts-open", "settings-open", "find", "star", "name"} <= reached


def test_language_can_be_changed(open_page: Any) -> None:
    page = open_page("/")
    page.get_by_role("button", name="Settings").click()
    page.locator("#language").select_option("de")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Märkte")
    expect(page.locator(".card[data-symbol=BTC] .px")).to_have_text("$63.250,12")
