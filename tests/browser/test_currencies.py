"""The currency switch: everything on the page follows it, without a reload, and it is remembered."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from tests.browser.axe import violations
from tests.browser.site import Site

expect = pytest.importorskip("playwright.sync_api").expect
ALERT = {"symbol": "BTC", "kind": "above", "value": 1_000_000, "firedAt": 0}


def price_of(site: Site, symbol: str, currency: str) -> Decimal:
    return Decimal(site.read(f"/api/rates/{symbol}?currency={currency}")["price"])


def in_german(number: Decimal, places: int) -> str:
    return f"{number:,.{places}f}".translate(str.maketrans(",.", ".,"))


def test_every_number_of_the_board_follows_the_switch(open_page: Any, site: Site) -> None:
    page = open_page("/", locale="de-DE")
    price, switch = page.locator(".card[data-symbol=BTC] .px"), page.locator("#currency")
    expect(price).to_have_text("63.250,12 $")
    page.evaluate("alert => localStorage.setItem('rates.alerts', JSON.stringify([alert]))", ALERT)
    page.evaluate("window.sameDocument = true")
    switch.select_option("eur")
    euros = f"{in_german(price_of(site, 'BTC', 'eur'), 2)} €"
    expect(price).to_have_text(euros)
    expect(page.locator("#summary")).to_have_text(re.compile("^8 .* in EUR$"))
    expect(page).to_have_title(re.compile(f"^{re.escape(euros.split(maxsplit=1)[0])}\\s€ . BTC"))
    expect(page.locator("#converter [name=to]")).to_have_value("eur")
    page.locator("#alerts-open").click()
    expect(page.locator("#alert-list li span")).to_contain_text("1.000.000,00 $")  # it was set in dollars, and stays so
    expect(page.locator("#alert-list small")).to_have_text(re.compile("%"))
    page.locator("#alerts [name=value]").fill("60.000")
    page.locator("#alert-form .primary").click()
    expect(page.locator("#alert-understood")).to_contain_text("60.000,00 €")
    expect(price).to_have_attribute("title", re.compile(r"^[\d.]+,\d+\s€$"))
    assert json.loads(page.evaluate("localStorage['rates.alerts']"))[-1]["currency"] == "eur"
    page.keyboard.press("Escape")
    switch.select_option("jpy")
    expect(price).to_have_text(f"{in_german(price_of(site, 'BTC', 'jpy'), 0)} ¥")
    page.locator("#alerts-open").click()
    page.locator("#alerts [name=value]").fill("60,5")
    page.locator("#alert-form .primary").click()
    expect(page.locator("#alert-understood")).to_contain_text("60,5 ¥")
    page.keyboard.press("Escape")
    assert page.evaluate("window.sameDocument")
    assert violations(page) == []


def test_the_choice_is_rendered_by_the_server_and_kept_by_the_socket(open_page: Any, site: Site) -> None:
    page = open_page("/coins/btc/")
    asked: list[str] = []
    page.on("request", lambda request: "/candles?" in request.url and asked.append(request.url))
    page.locator("#currency").select_option("kwd")
    dinars = f"KWD\u00a0{price_of(site, 'BTC', 'kwd'):,.3f}"
    expect(page.locator("#cards .px")).to_have_text(dinars)
    expect(page.locator("#volume")).to_contain_text("KWD")
    expect(page.locator("#exact")).to_have_text(re.compile(r"^KWD\s[\d,]+\.\d+$"))
    expect(page.locator("#readout b").last).to_have_text(dinars)
    expect(page.locator("#csv")).to_have_attribute("href", re.compile("&currency=kwd&start=.*&format=csv$"))
    assert "&currency=kwd&" in asked[-1]
    page.locator("#embed-open").click()
    expect(page.locator("#embed-code")).to_have_value(re.compile("currency=kwd"))
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.reload()
    html = page.request.get("/coins/btc/").text()
    assert '<span class="cur">KWD\u00a0</span>' in html
    assert '<option value="kwd" selected>' in html
    expect(page.locator("#status")).to_contain_text("Live")
    expect(page.locator("#cards .px")).to_have_text(dinars)
    assert sockets[0].split("?")[1].startswith("currency=kwd")
    assert '<span class="cur">€</span>' in page.request.get("/embed/btc/?currency=eur").text()
    assert "€" in page.request.get("/coins/btc.svg?currency=eur").text()
