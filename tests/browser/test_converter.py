"""The converter of the board and of a coin's page; what it asks is answered here."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.browser.axe import violations

expect = pytest.importorskip("playwright.sync_api").expect


def answer_conversions(page: Any, **marks: bool) -> list[dict[str, str]]:
    """Answer every conversion, and return the list of what is asked."""
    asked: list[dict[str, str]] = []

    def answer(route: Any) -> None:
        asked.append(dict(parse_qsl(urlsplit(route.request.url).query)))
        result = {"result": "94875.1800", "price": "63250.12", "stale": False, "disputed": False}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(result | asked[-1] | marks))

    page.route("**/api/convert?*", answer)
    return asked


def test_an_amount_is_converted_as_it_is_typed(open_page: Any) -> None:
    page = open_page("/coins/btc/")
    asked = answer_conversions(page)
    page.locator("#converter-open").click()
    result = page.locator("#converter-result")
    expect(result).to_have_text("1 BTC = 94,875.18 USD")
    page.locator("#converter [name=amount]").fill("1.5")
    expect(result).to_have_text("1.5 BTC = 94,875.18 USD")
    expect(page.locator("#converter-mark")).to_have_text("")
    assert (float(asked[-1]["amount"]), asked[-1]["from"], asked[-1]["to"]) == (1.5, "BTC", "usd")
    page.locator("#converter [name=to]").select_option("jpy")
    expect(result).to_have_text("1.5 BTC = 94,875 JPY")
    page.locator("#converter-swap").click()
    expect(result).to_have_text("1.5 JPY = 94,875.18 BTC")
    assert violations(page) == []


def test_a_doubtful_price_is_marked_and_a_number_that_is_none_is_said(open_page: Any) -> None:
    page = open_page("/", locale="de-DE")
    answer_conversions(page, disputed=True)
    page.locator("#converter-open").click()
    expect(page.locator("#converter-mark")).to_have_text("strittig")
    page.locator("#converter [name=to]").select_option("ETH")
    page.locator("#converter [name=amount]").fill("1.500,5")
    expect(page.locator("#converter-result")).to_have_text("1.500,5 BTC = 94.875,18 ETH")
    page.locator("#converter [name=amount]").fill("viel")
    expect(page.locator("#converter-result")).to_contain_text("Zahl")
    expect(page.locator("#converter-mark")).to_have_text("")
