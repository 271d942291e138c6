"""The board in a browser, through the whole system: stand-in, Celery, Redis, hub, page."""

import json
import re
import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.browser.site import Site
from tests.browser.sockets import Server, frame, rate

expect = pytest.importorskip("playwright.sync_api").expect


def card(page: Any, symbol: str) -> Any:
    return page.locator(f".card[data-symbol={symbol}]")


def row(page: Any, symbol: str) -> Any:
    return page.locator(f"tr[data-symbol={symbol}]")


def test_prices_are_there_without_javascript(open_page: Any) -> None:
    page = open_page("/", java_script_enabled=False)
    expect(card(page, "BTC").locator(".px")).to_have_text("$63,250.12")
    expect(card(page, "BTC").locator("[data-part=percent]")).to_contain_text("−1.41%")
    expect(card(page, "BTC").locator("[data-part=source]")).to_have_text("CoinGecko")
    expect(page.locator("noscript p")).to_contain_text("does not update without JavaScript")
    expect(page.locator("#status")).not_to_contain_text("Live")
    expect(card(page, "BTC").locator("path.line")).to_have_attribute("d", re.compile(r"^M0.0 .*L240.0 "))
    expect(row(page, "DOGE").locator("path.line")).to_have_attribute("d", re.compile(r"^M0.0 .*L240.0 "))


def test_a_row_that_was_not_rendered_is_made_and_its_line_is_fetched_when_it_comes_into_sight(open_page: Any) -> None:
    def shorten(route: Any) -> None:
        """Answer as a server does with so many coins that LTC is below what it renders."""
        answer = route.fetch()
        text = re.sub(r'<tr role="row"[^>]* data-symbol="LTC">.*?</tr>', "", answer.text(), flags=re.S)
        before, text, after = re.split(r'(?<=<script id="board" type="application/json">)(.*?)(?=</script>)', text)
        board = json.loads(text)
        board["starts"]["LTC"] = board["lines"].pop("LTC")[:1]
        route.fulfill(response=answer, body=before + json.dumps(board) + after)

    page = open_page(goto=False, viewport={"width": 1280, "height": 300})
    page.route("**/", shorten)
    asked: list[str] = []
    page.on("request", lambda request: "/lines?" in request.url and asked.append(request.url))
    page.goto("/")
    expect(row(page, "LTC").locator(".px")).to_have_text("$71.93")
    line = row(page, "LTC").locator("path.line")
    expect(line).to_have_attribute("d", "")
    assert asked == []
    row(page, "LTC").scroll_into_view_if_needed()
    expect(line).to_have_attribute("d", re.compile(r"^M0.0 .*L240.0 "))
    assert [urlsplit(url).query for url in asked] == ["symbols=LTC&currency=usd"]


@pytest.mark.parametrize("path", ["/", "/coins/btc/", "/embed/btc/", "/?wall=1"])
def test_without_javascript_nothing_is_offered_that_needs_it(open_page: Any, path: str) -> None:
    page = open_page(path, java_script_enabled=False)
    controls = page.locator("button:enabled, input:enabled, select:enabled")
    assert [each for each in controls.all() if each.is_visible()] == []


def test_a_coin_page_has_its_line_and_its_table_without_javascript(open_page: Any, site: Site) -> None:
    deadline = time.monotonic() + 60
    while not site.read("/api/rates/BTC/candles?interval=5m")["candles"] and time.monotonic() < deadline:
        time.sleep(0.5)
    page = open_page("/coins/btc/", java_script_enabled=False)
    expect(page.locator("#chart path.line")).to_have_attribute("d", re.compile(r"^M0.0 .*L240.0 "))
    expect(page.locator("#chart svg")).to_be_visible()
    expect(page.locator("#updates td").nth(3)).to_have_text("63,250.12")
    expect(page.locator("#updates th").first).to_contain_text("UTC")
    expect(page.locator("#extremes")).to_contain_text("Lowest $63,250.12")


def test_a_new_price_comes_through_the_whole_system(open_page: Any, site: Site) -> None:
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    site.coingecko.prices["ETH"] = Decimal("3471.05")
    expect(card(page, "ETH").locator(".px")).to_have_text("$3,471.05")
    expect(row(page, "ETH").locator(".px")).to_have_text("$3,471.05")
    expect(row(page, "ETH").locator(".px")).to_have_attribute("title", "$3,471.05")


def test_a_tiny_price_has_a_subscript_and_a_whole_number_for_readers(open_page: Any) -> None:
    price = row(open_page("/"), "PEPE").locator(".px")
    expect(price.locator("sub")).to_have_text("6")
    expect(price.locator(".sr")).to_have_text("0.0000008913")


def test_a_name_with_markup_is_text_and_breaks_nothing(open_page: Any) -> None:
    page = open_page("/", viewport={"width": 320, "height": 700})
    expect(row(page, "EVIL").locator("[data-part=name]")).to_contain_text("<b>Bold</b>")
    assert page.locator("#rows b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_coins_change_on_an_open_page(open_page: Any, site: Site) -> None:
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    site.coingecko.ids["cardano"] = "ADA"
    site.coingecko.prices["ADA"] = Decimal("0.3871")
    site.edit("Coin.objects.create(symbol='ADA', name='Cardano', coingecko_id='cardano', position=99)")
    expect(row(page, "ADA").locator(".px")).to_have_text("$0.3871")
    site.edit("c = Coin.objects.get(symbol='ADA'); c.name = 'Ada'; c.position = 0; c.save()")
    expect(row(page, "ADA").locator("[data-part=name]")).to_have_text("Ada")
    expect(row(page, "ADA").get_by_role("button")).to_have_attribute("aria-label", "Pin Ada")
    expect(page.locator("#rows tr").first).to_have_attribute("data-symbol", "ADA")
    expect(page.locator("#cards .card").first).to_have_attribute("data-symbol", "ADA")
    expect(card(page, "ADA").locator("path.line")).to_have_attribute("d", re.compile("^M0.0 "))
    site.edit("c = Coin.objects.get(symbol='ADA'); c.enabled = False; c.save()")
    expect(row(page, "ADA")).to_have_count(0)
    expect(card(page, "ADA")).to_have_count(0)


def test_a_coin_without_a_price_waits_with_an_empty_chart(open_page: Any, site: Site) -> None:
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    site.edit("Coin.objects.create(symbol='NEW', name='Newcomer', coingecko_id='newcomer', position=0)")
    waiting = card(page, "NEW")
    expect(waiting.locator(".px")).to_have_text("—")
    expect(waiting.locator("[data-part=age]")).to_have_text("waiting")
    expect(waiting.locator("path.line")).to_have_attribute("d", "")
    expect(waiting.locator(".range")).to_be_hidden()
    page.goto("/coins/new/")
    expect(page.locator("#chart")).to_contain_text("There are no prices in this range yet")
    site.edit("Coin.objects.filter(symbol='NEW').first().delete()")


def test_the_coin_page_draws_lists_and_stays_live(open_page: Any, site: Site) -> None:
    page = open_page("/coins/sol/")
    expect(page.locator("#chart canvas")).to_be_visible()
    site.coingecko.prices["SOL"] = Decimal("149.77")
    expect(page.locator("#updates tr").first).to_contain_text("149.77")
    expect(page.locator("#readout")).to_contain_text("Close $149.77")
    expect(card(page, "SOL").locator(".px")).to_have_text("$149.77")


def test_the_coin_page_misses_nothing_that_comes_while_it_loads(open_page: Any, site: Site) -> None:
    def wait_for_another_price(route: Any) -> None:
        site.coingecko.prices["SOL"] = Decimal("151.50")
        while b'"151.50"' not in urlopen(f"{site.url}/api/rates", timeout=10).read():
            time.sleep(0.1)
        route.continue_()

    page = open_page(goto=False)
    page.route("**/coin.js", wait_for_another_price)
    page.goto("/coins/sol/")
    expect(page.locator("#exact")).to_have_text("$151.50")
    expect(page.locator("#updates tr").first).to_contain_text("151.50")


def test_an_unknown_coin_is_not_found(open_page: Any, site: Site) -> None:
    page = open_page(goto=False)
    assert page.request.get("/coins/nope/").status == 404
    assert page.request.get("/embed/nope/").status == 404


def test_the_embedded_card_may_be_framed_and_the_pages_may_not(open_page: Any) -> None:
    page = open_page("/embed/btc/?theme=dark&pins=eth")
    expect(page.locator(".card")).to_have_count(2)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    embed, board = page.request.get("/embed/btc/"), page.request.get("/")
    assert "frame-ancestors *" in embed.headers["content-security-policy"]
    assert "x-frame-options" not in embed.headers
    assert "frame-ancestors 'none'" in board.headers["content-security-policy"]


def test_the_wall_fills_the_screen_and_keeps_it_on(open_page: Any) -> None:
    page = open_page(goto=False, viewport={"width": 1920, "height": 1080})
    page.add_init_script("""
      window.locks = [];
      navigator.wakeLock.request = async (kind) => { window.locks.push(kind); };
    """)
    page.goto("/?wall=1")
    expect(page.locator("#status")).to_contain_text("Live")
    expect(page.locator("#settings-open")).to_be_hidden()
    assert page.evaluate("window.locks") == ["screen"]
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert page.evaluate("window.locks") == ["screen", "screen"]
    boxes = [each.bounding_box() for each in page.locator(".card").all()]
    assert len(boxes) >= 8
    assert max(box["y"] + box["height"] for box in boxes) <= 1080
    assert max(box["x"] + box["width"] for box in boxes) >= 1880


def test_a_wall_of_many_coins_turns_its_pages_and_one_coin_fills_it(open_page: Any) -> None:
    page = open_page(goto=False, viewport={"width": 1920, "height": 1080})
    page.clock.install(time=time.time())
    server = Server(page, frame("board", *(rate(f"C{n}") for n in range(60))))
    page.goto("/?wall=1")
    page.clock.run_for(500)
    visible = page.locator(".card:visible")
    expect(page.locator("#wall-page")).to_have_text("1 / 3")
    expect(visible).to_have_count(20)
    expect(visible.first).to_have_attribute("data-symbol", "C0")
    assert max(box["y"] + box["height"] for box in (each.bounding_box() for each in visible.all())) <= 1080
    page.clock.run_for(15_500)
    expect(visible.first).to_have_attribute("data-symbol", "C20")
    server.show(frame("board", rate("C59"), seq=2))
    page.clock.run_for(500)
    expect(visible).to_have_count(1)
    box = visible.bounding_box()
    assert box["width"] > 1800
    assert box["height"] > 950
    assert visible.locator(".px").evaluate("each => parseFloat(getComputedStyle(each).fontSize)") > 150
    page.get_by_role("link", name="All coins").click()
    expect(page.get_by_role("link", name="Fill the screen")).to_have_attribute("href", "/?wall=1")


def test_the_badge_is_an_image_with_price_and_age(open_page: Any) -> None:
    answer = open_page(goto=False).request.get("/coins/btc.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "$63,250.12" in answer.text()
    assert "CoinGecko, just now" in answer.text()
