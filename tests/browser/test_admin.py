"""Staff at work in the admin, with open pages beside them."""

import base64
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.browser.axe import violations
from tests.browser.site import STAFF, Site

expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def open_admin(open_page: Any) -> Any:
    """Return a function that opens an address of the admin, logged in."""

    def open_admin(path: str, **options: Any) -> Any:
        page = open_page(f"/admin/login/?next={path}", **options)
        page.get_by_label("Username:").fill(STAFF[0])
        page.get_by_label("Password:").fill(STAFF[1])
        page.get_by_role("button", name="Log in").click()
        return page

    return open_admin


@pytest.fixture
def wif(site: Site) -> Iterator[None]:
    """Let CoinGecko know a coin that is not on the board yet."""
    site.coingecko.ids["dogwifcoin"] = "WIF"
    site.coingecko.prices["WIF"] = Decimal("2.41")
    yield
    site.edit("Coin.objects.filter(symbol='WIF').delete()")


def test_adding_a_coin_is_typing_its_name(open_admin: Any, open_page: Any, wif: None) -> None:
    board = open_page("/")
    page = open_admin("/admin/rates/coin/add/")
    search = page.get_by_role("combobox", name="Find a coin by name")
    search.press_sequentially("dogwif")
    expect(page.get_by_role("option")).to_have_text("Dogwifcoin (WIF) – dogwifcoin, rank 1")
    search.press("ArrowDown")
    search.press("Enter")
    expect(page.get_by_label("Symbol:")).to_have_value("WIF")
    expect(page.get_by_label("CoinGecko id:")).to_have_value("dogwifcoin")
    expect(page.get_by_label("Binance pair:")).to_have_value("WIFUSDT")
    expect(page.locator("#coin-findings")).to_contain_text("2.41")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    expect(board.locator("[data-symbol=WIF]").first).to_contain_text("2.41")


def test_when_coingecko_is_away_everything_can_be_typed(open_admin: Any, site: Site) -> None:
    page = open_admin("/admin/rates/coin/add/")
    site.coingecko.fault = "500"
    page.get_by_role("combobox", name="Find a coin by name").press_sequentially("dog")
    expect(page.get_by_role("status")).to_contain_text("Type the fields by hand")
    site.coingecko.fault = ""


def test_a_new_order_is_saved_in_place_and_on_open_pages(open_admin: Any, open_page: Any, site: Site) -> None:
    board = open_page("/")
    page = open_admin("/admin/rates/coin/")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="XLM", exact=True))
    row.get_by_role("spinbutton").fill("0")
    first = page.get_by_role("row").filter(has=page.get_by_role("link", name="BTC", exact=True))
    first.get_by_role("spinbutton").fill("50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("were changed successfully")).to_be_visible()
    expect(board.locator("tbody tr[data-symbol]").last).to_have_attribute("data-symbol", "BTC")
    site.edit("Coin.objects.filter(symbol='BTC').update(position=0); Coin.objects.get(symbol='XLM').save()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["add/", "import/", "system/", ""])
def test_our_admin_pages_are_accessible(open_admin: Any, path: str, scheme: str) -> None:
    page = open_admin(f"/admin/rates/coin/{path}", color_scheme=scheme, bypass_csp=True)  # axe styles what it looks at
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    assert violations(page) == []


def test_the_system_page_renews_itself(open_admin: Any, site: Site) -> None:
    page = open_admin("/admin/rates/coin/system/")
    expect(page.locator("#system")).to_contain_text("coingecko")
    site.coingecko.fault = "500"
    expect(page.locator("#system")).to_contain_text("out of order", timeout=15000)
    site.coingecko.fault = ""


LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="#f00"/></svg>'


def middle_of(page: Any, mark: Any) -> list[int]:
    """Return red, green and blue of the pixel just left of the middle of *mark*, beside a letter's strokes."""
    read = """async ([data]) => {
        const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
        const canvas = new OffscreenCanvas(picture.width, picture.height), drawing = canvas.getContext("2d");
        drawing.drawImage(picture, 0, 0);
        return [...drawing.getImageData(picture.width / 2, 5, 1, 1).data].slice(0, 3);
    }"""
    blank = page.context.new_page()
    blank.goto("about:blank")
    pixel: list[int] = blank.evaluate(read, [base64.b64encode(mark.screenshot()).decode()])
    blank.close()
    return pixel


def test_a_logo_is_on_open_pages_as_soon_as_it_is_saved_and_gone_when_removed(
    open_admin: Any, open_page: Any, site: Site
) -> None:
    board, coin, card = open_page("/"), open_page("/coins/ltc/"), open_page("/embed/ltc/")
    page = open_admin("/admin/rates/coin/")
    page.get_by_role("link", name="LTC", exact=True).click()
    page.locator("#id_picture").set_input_files({"name": "ltc.svg", "mimeType": "image/svg+xml", "buffer": LOGO})
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    for each in (board, coin, card):
        mark = each.locator("[data-symbol=LTC] .mark").last
        expect(mark.locator("img")).to_have_js_property("naturalWidth", 150)
        assert middle_of(each, mark) == [255, 0, 0]
    reloaded = open_page("/coins/ltc/")
    expect(reloaded.locator(".mark img")).to_have_js_property("complete", value=True)
    page.get_by_role("link", name="LTC", exact=True).click()
    assert page.locator("img.logo").evaluate("image => image.naturalWidth") > 0
    page.get_by_label("Clear").check()
    page.get_by_role("button", name="Save", exact=True).click()
    for each in (board, coin, card):
        expect(each.locator("[data-symbol=LTC] .mark img")).to_have_count(0)


def test_the_letter_stands_in_for_a_logo_that_does_not_load(open_page: Any) -> None:
    page = open_page("/coins/ltc/")
    mark = page.locator(".card .mark")
    letter = mark.screenshot()
    page.route("**/logos/*", lambda route: route.abort())
    page.evaluate("""async () => {
        const {paintLogo} = await import(document.querySelector('[rel=modulepreload][href*="marks"]').href);
        paintLogo(document.querySelector(".card .mark"), "logos/missing.png");
    }""")
    expect(mark.locator("img")).to_be_attached()
    expect(mark.locator("img")).to_be_hidden()
    assert mark.screenshot() == letter
