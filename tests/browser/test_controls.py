"""What a visitor can do, by mouse and by keyboard alone, and what the page remembers."""

import re
import time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.browser.axe import violations
from tests.browser.site import Site
from tests.browser.sockets import Server, frame, rate
from tests.browser.values import await_value

expect = pytest.importorskip("playwright.sync_api").expect


def send(page: Any, server: Server, message: str) -> None:
    """Send *message*, and return when the page has it: the clock that is run by hand does not wait for it."""
    page.evaluate(
        "window.arrived = new Promise((done) =>"
        " document.addEventListener('rates:received', () => done(true), {once: true}))"
    )
    server.sockets[-1].send(message)
    page.evaluate("window.arrived")


def test_pause_holds_what_is_out_of_sight_too(open_page: Any) -> None:
    page = open_page(goto=False)
    page.clock.install(time=time.time())
    server = Server(page, frame("board", *(rate(f"C{n}", "100.00") for n in range(60))))
    page.goto("/")
    page.clock.run_for(6000)
    last = page.locator("tr[data-symbol=C59] .px")
    page.locator("#pause").click()
    send(page, server, frame("update", rate("C59", "200.00"), seq=2, removed=[]))
    page.clock.run_for(7000)
    last.scroll_into_view_if_needed()
    expect(last).to_have_text("$100.00")
    page.locator("#pause").click()
    page.clock.run_for(7000)
    expect(last).to_have_text("$200.00")


def test_what_is_out_of_sight_comes_round_within_seconds(open_page: Any) -> None:
    page = open_page(goto=False)
    page.clock.install(time=time.time())
    server = Server(page, frame("board", *(rate(f"C{n}", "100.00") for n in range(60))))
    page.goto("/")
    page.clock.run_for(1000)
    send(page, server, frame("update", rate("C59", "200.00"), seq=2, removed=[]))
    page.clock.run_for(6000)
    expect(page.locator("tr[data-symbol=C59] .px")).to_have_text("$200.00")


@pytest.fixture
def page_of_a_test(open_page: Any) -> tuple[Any, Server]:
    """A live page whose socket the test serves."""
    page = open_page(goto=False)
    server = Server(page, frame("board", rate()))
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("Live")
    return page, server


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


def test_a_list_is_worked_by_keyboard_and_its_view_is_in_the_address(open_page: Any) -> None:
    page = open_page("/?sort=price&q=o", viewport={"width": 390, "height": 844})
    expect(page.locator("#status")).to_contain_text("Live")
    expect(page.get_by_label("Sort by")).to_have_value("price")
    assert symbols(page, "#rows tr")[:2] == ["DOGE", "EVIL"]
    page.get_by_label("Sort by").select_option("-price")
    expect(page).to_have_url(re.compile(r"/\?sort=-price&q=o$"))
    assert symbols(page, "#rows tr")[0] == "BTC"
    page.locator("#find").press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("tr[data-symbol=SOL] [data-part=name]")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#find")).to_be_focused()
    page.evaluate("localStorage['rates.pins'] = '\"\"'")
    page.goto("/")
    page.get_by_role("button", name="Pinned", exact=True).click()
    expect(page.locator("#none")).to_have_text("Nothing is pinned. The star of a coin pins it.")
    page.get_by_role("button", name="All", exact=True).click()
    page.emulate_media(media="print")
    expect(page.locator("#printed")).to_contain_text("As of")
    controls = page.locator("button, select, input").all()
    assert [each.evaluate("each => each.outerHTML") for each in controls if each.is_visible()] == []
    assert page.locator(".top").evaluate("each => getComputedStyle(each).position") == "static"
    page.emulate_media(media="screen")
    page.keyboard.press("/")
    page.keyboard.type("dog")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/coins/doge/$"))


def test_watch_lists_are_named_filter_become_the_cards_and_have_an_address(open_page: Any) -> None:
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    page.get_by_role("button", name="Lists").click()
    form = page.locator("#list-form")
    form.locator("[name=name]").fill("Memes")
    form.locator("[name=coins]").fill("doge, NOPE")
    form.get_by_role("button", name="Save list").click()
    expect(page.locator("#list-problem")).to_have_text("Not on the board: NOPE.")
    form.locator("[name=coins]").fill("doge, PEPE")
    form.get_by_role("button", name="Save list").click()
    memes = page.locator("#list-list li").filter(has_text="Memes")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Memes", exact=True).click()
    assert symbols(page, "#rows tr") == ["DOGE", "PEPE"]
    page.reload()
    page.get_by_role("button", name="Lists").click()
    memes.get_by_role("button", name="To the cards").click()
    page.keyboard.press("Escape")
    assert symbols(page, "#cards .card") == ["DOGE", "PEPE"]
    page.get_by_role("button", name="Lists").click()
    memes.get_by_role("link", name="Show").click()
    expect(page).to_have_url(re.compile(r"/\?coins=DOGE,PEPE$"))
    expect(page.locator("#summary")).to_have_text("2 coins in USD")
    expect(page.locator("#status")).to_contain_text("Live")
    assert symbols(page, "#cards .card") == ["DOGE", "PEPE"]
    page.get_by_role("button", name="Keep it").click()
    expect(form.locator("[name=coins]")).to_have_value("DOGE, PEPE")


def test_a_long_list_keeps_its_heading_in_sight(open_page: Any) -> None:
    page = open_page(goto=False)
    Server(page, frame("board", *(rate(f"C{n}") for n in range(60))))
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(60)
    page.evaluate("scrollTo(0, 1500)")
    assert 55 <= page.locator("thead").evaluate("each => each.getBoundingClientRect().top") <= 65


def test_what_few_coins_do_not_need_is_not_offered_and_a_pause_shows_no_ages(page_of_a_test: Any) -> None:
    page, _ = page_of_a_test
    expect(page.locator(".of-table")).to_be_hidden()
    page.evaluate("document.documentElement.dataset.palette = 'east'")
    live = page.locator("#status").evaluate("each => getComputedStyle(each).color")
    assert live == "rgb(4, 114, 79)", "a palette colours prices, not states"
    page.locator("#pause").click()
    expect(page.locator("#status")).to_contain_text("Paused")
    expect(page.locator(".card [data-part=age]")).to_be_hidden()
    expect(page.locator(".card")).not_to_have_class(re.compile("old"))


def test_a_coin_can_be_shown_elsewhere_by_html_to_copy(open_page: Any, site: Site) -> None:
    page = open_page("/coins/btc/")
    page.get_by_role("button", name="Show it elsewhere").click()
    code = page.locator("#embed-code")
    page.get_by_label("Size").select_option("large")
    page.locator("#embed-form [name=theme]").select_option("dark")
    card = rf'<iframe src="{site.url}/embed/btc/\?theme=dark".* width="480" height="280"></iframe>'
    expect(code).to_have_value(re.compile(card))
    inside = page.frame_locator("#embed-preview iframe")
    expect(inside.locator(".card .px")).to_be_visible()
    await_value(page, "each => each.scrollHeight <= innerHeight", True, inside=inside.locator("html"))
    page.locator("#embed-form [name=kind]").select_option("badge")
    expect(code).to_have_value(
        re.compile(rf'<a href="{site.url}/coins/btc/"><img src="{site.url}/coins/btc.svg".*</a>')
    )
    assert violations(page) == []


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
    form.get_by_role("button", name="Add alert").click()
    expect(page.locator("#alert-list li")).to_contain_text(re.compile(r"DOGE above \$0\.2000.*64\.43% away"))
    expect(page.locator("#toast")).to_be_empty()
    page.keyboard.press("Escape")
    site.coingecko.prices["DOGE"] = Decimal("0.2001")
    site.coingecko.prices["DOGE"] = Decimal("0.125")
    page.get_by_role("button", name="Price alerts").click()
    form.locator("[name=symbol]").select_option("DOGE")
    form.locator("[name=value]").fill("0.123")
    form.get_by_role("button", name="Add alert").click()
    page.keyboard.press("Escape")
    expect(page.locator("#toast")).to_contain_text("DOGE is at $0.1250")


def test_the_tab_title_carries_the_first_pin_and_can_be_turned_off(open_page: Any) -> None:
    page = open_page("/")
    expect(page).to_have_title(re.compile(r"63,250\.12 [▲▼] BTC"))
    page.keyboard.press("?")
    page.locator("[data-setting=title]").uncheck()
    expect(page).to_have_title("Live rates")


def test_the_tab_title_changes_once_a_second_at_most(page_of_a_test: Any) -> None:
    page, server = page_of_a_test
    page.evaluate("""() => {
      window.titles = [];
      const note = () => window.titles.push(Date.now());
      new MutationObserver(note).observe(document.querySelector("title"), {childList: true});
    }""")
    for number in range(20):
        server.sockets[-1].send(frame("update", rate(price=str(50000 + number)), seq=number + 2, removed=[]))
        page.wait_for_timeout(75)
    titles = page.evaluate("window.titles")
    assert titles
    assert all(after - before > 900 for before, after in pairwise(titles))


def test_a_row_that_moves_keeps_the_focus(open_page: Any) -> None:
    page = open_page(goto=False)
    many = [f"C{n}" for n in range(8)]
    server = Server(page, frame("board", *(rate(symbol, str(100 + n)) for n, symbol in enumerate(many))))
    page.goto("/")
    page.get_by_role("button", name="Price", exact=True).click()
    star = page.locator("tr[data-symbol=C0] .star")
    star.focus()
    server.sockets[-1].send(frame("update", rate("C0", "500"), seq=2, removed=[]))
    expect(page.locator("#rows tr").first).to_have_attribute("data-symbol", "C0")
    expect(star).to_be_focused()


def test_the_first_coin_is_read_aloud_only_when_asked_for(page_of_a_test: Any) -> None:
    page, _ = page_of_a_test
    announcer = page.locator("#announcer")
    expect(announcer).to_be_empty()
    page.keyboard.press("?")
    toggle = page.get_by_role("button", name="Announce")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    toggle.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    expect(announcer).to_have_text("Btc: $63,250.12, +1.24% 24 h")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator("#status")).to_contain_text("Live")
    expect(page.locator("#announce")).to_have_attribute("aria-pressed", "true")
    assert page.locator("[aria-live] .px, [role=status] .px, [role=alert] .px").count() == 0


def test_it_is_read_every_thirty_seconds(open_page: Any) -> None:
    page = open_page(goto=False)
    page.clock.install(time=time.time())
    server = Server(page, frame("board", rate()))
    page.add_init_script("localStorage['rates.announce'] = 'true'")
    page.goto("/")
    for seq in range(2, 5):
        page.clock.run_for(7000)  # the real time runs on beside it
        server.sockets[-1].send(frame("update", rate(price="63111.00"), seq=seq, removed=[]))
    expect(page.locator("#announcer")).to_be_empty()
    page.clock.run_for(10000)
    expect(page.locator("#announcer")).to_contain_text("Btc: $63,111.00")


@pytest.mark.parametrize(
    ("palette", "up", "down"),
    [
        ("", "rgb(4, 114, 79)", "rgb(185, 48, 23)"),
        ("blue", "rgb(11, 92, 196)", "rgb(168, 74, 0)"),
        ("east", "rgb(185, 48, 23)", "rgb(4, 114, 79)"),
    ],
)
def test_palettes_colour_up_and_down(open_page: Any, palette: str, up: str, down: str) -> None:
    page = open_page(goto=False)
    Server(page, frame("board", rate(), rate("ETH", change_24h_pct="-2.5"), rate("SOL", change_24h_pct="0.001")))
    page.goto("/")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Colours").select_option(palette)
    page.keyboard.press("Escape")
    expect(page.locator("[data-symbol=BTC] .pct").first).to_have_css("color", up)
    expect(page.locator("[data-symbol=ETH] .pct").first).to_have_css("color", down)
    expect(page.locator("[data-symbol=SOL] .pct").first).to_have_text("0.00%")
    expect(page.locator("[data-symbol=SOL] .pct").first).to_have_css("color", "rgb(95, 105, 121)")


@pytest.mark.parametrize("mark", ["disputed", "stale"])
def test_an_alert_from_a_doubtful_price_says_so(open_page: Any, mark: str) -> None:
    page = open_page(goto=False)
    page.add_init_script(
        """localStorage["rates.alerts"] = '[{"symbol":"BTC","kind":"above","value":90000,"firedAt":0}]'"""
    )
    Server(page, frame("board", rate(price="99000", **{mark: True}), rate("ETH")))
    page.goto("/")
    expect(page.locator("#toast")).to_contain_text(f"BTC is at $99,000.00 ({mark}: the price may be wrong)")


def test_an_alert_is_made_told_rested_and_removed_by_keyboard(open_page: Any) -> None:
    page = open_page(goto=False)
    page.add_init_script("""
      window.told = [];
      window.Notification = class { constructor(text) { window.told.push(text); } };
      Notification.permission = "default";
      Notification.requestPermission = async () => { Notification.permission = "granted"; };
    """)
    page.clock.install(time=time.time())
    server = Server(page, frame("board", rate()))
    page.goto("/")
    page.clock.run_for(1000)
    page.locator("#alerts-open").press("Enter")
    page.get_by_role("button", name="Also show browser notifications").press("Enter")
    expect(page.locator("#alert-notify")).to_be_hidden()
    page.get_by_label("When").select_option("move")
    value = page.get_by_label("Value")
    value.fill("nothing")
    value.press("Enter")
    expect(page.locator("#alert-problem")).to_have_text("Enter a number above zero.")
    value.fill("2,5")
    value.press("Enter")
    expect(page.locator("#alert-problem")).to_contain_text("can be read in two ways")
    value.fill("2.5 %")
    value.press("Enter")
    expect(page.locator("#alert-understood")).to_have_text("Set: BTC moves ±2.50% in 24 h.")
    expect(page.locator("#alert-list li")).to_contain_text(re.compile(r"BTC moves ±2\.50% in 24 h\s*1\.26% away"))

    def move(pct: str, seq: int) -> None:
        server.sockets[-1].send(frame("update", rate(change_24h_pct=pct), seq=seq, removed=[]))
        page.clock.run_for(500)

    move("-2.6", 2)
    expect(page.locator("#toast")).to_contain_text("BTC is at $63,250.12")
    assert len(page.evaluate("told")) == 1
    move("-3.1", 3)
    assert len(page.evaluate("told")) == 1, "an alert rests after it has fired"
    page.evaluate("Date.now = (now => () => now() + 301000)(Date.now)")
    server.sockets[-1].send(frame("update", rate(change_24h_pct="-3.2"), seq=4, removed=[]))
    await_value(page, "told.length", 2)
    page.get_by_role("button", name="Remove alert").press("Enter")
    expect(page.locator("#alert-list li")).to_have_count(0)
    assert page.evaluate("localStorage['rates.alerts']") == "[]"


READ = """async (texts) => {
  const {isAmbiguous, parseNumber} = await import("/static/dashboard/js/parse.js");
  return texts.map((text) => [parseNumber(text), isAmbiguous(text)].map(String).join(" "));
}"""
NUMBERS = {
    "en-US": {"64,500": "64500 false", "$64,500.25": "64500.25 false", "1.5": "1.5 false", ".5": "0.5 false",
              "64,5": "NaN true", "1.234,56": "NaN true", "0,103": "NaN true", "1e5": "NaN false", "": "NaN false"},
    "de-DE": {"64.500": "64500 false", "64,5": "64.5 false", "64.500,25 €": "64500.25 false", "1 234": "1234 false",
              "64.5": "NaN true", "0.103": "NaN true", "64,500": "64.5 false", "x": "NaN false"},
}  # fmt: skip


@pytest.mark.parametrize("locale", NUMBERS)
def test_an_alert_reads_numbers_as_its_page_writes_them(open_page: Any, locale: str) -> None:
    cases = NUMBERS[locale]
    page = open_page("/", locale=locale)
    assert dict(zip(cases, page.evaluate(READ, list(cases)), strict=True)) == cases


def test_tabs_share_their_alerts_and_one_of_them_tells_each(open_page: Any) -> None:
    one = open_page(goto=False)
    one.context.add_init_script("""
      window.told = [];
      window.Notification = class {
        constructor(text) { window.told.push(text); throw new TypeError("Illegal constructor"); }
      };
      Notification.permission = "granted";
    """)
    other = one.context.new_page()
    servers = [Server(page, frame("board", rate(), rate("ETH", "3450.00"))) for page in (one, other)]
    for page in (one, other):
        page.goto("/")
        expect(page.locator("#status")).to_contain_text("Live")
    one.locator("#alerts-open").click()
    for symbol, value in (("BTC", "64,000"), ("ETH", "3,000")):
        one.locator("[name=symbol]").select_option(symbol)
        one.locator("[name=value]").fill(value)
        one.locator("[name=value]").press("Enter")
        expect(one.locator("#alert-understood")).to_contain_text(f"{symbol} above ${value}")
    expect(one.locator("#alert-understood")).to_contain_text("That is so already: ETH is at $3,450.00.")
    for server in servers:
        server.sockets[-1].send(frame("update", rate(price="64100.00"), seq=2, removed=[]))
    for page in (one, other):
        expect(page.locator("#alert-told li")).to_have_count(2)
        expect(page.locator("#alert-told li").first).to_contain_text("BTC is at $64,100.00")
    assert len(one.evaluate("told") + other.evaluate("told")) == 2
    assert one.locator("#toast p").count() + other.locator("#toast p").count() == 2


def test_keyboard_alone_works_everything(open_page: Any, site: Site) -> None:
    page = open_page("/")
    expect(page.locator("#status")).to_contain_text("Live")
    page.get_by_role("button", name="Coin", exact=True).press("Enter")
    assert symbols(page, "#rows tr")[:2] == ["EVIL", "BTC"]
    page.get_by_role("row").get_by_role("button", name="Pin Dogecoin").press("Space")
    assert "DOGE" in symbols(page, "#cards .card")
    page.get_by_role("button", name="Pinned", exact=True).press("Enter")
    assert "LTC" not in symbols(page, "#rows tr")
    page.get_by_role("button", name="All", exact=True).press("Enter")
    page.keyboard.press("/")
    page.keyboard.type("nothing like it")
    expect(page.locator("#none")).to_be_visible()
    page.locator("#find").fill("")
    page.locator("#pause").press("Enter")
    expect(page.locator("#status")).to_contain_text("Paused")
    page.locator("#pause").press("Enter")
    expect(page.locator("#status")).to_contain_text("Live")
    page.locator("#settings-open").press("Enter")
    expect(page.locator("#settings")).to_be_visible()
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.locator("#settings-open")).to_be_focused()
    page.get_by_role("row").get_by_role("link", name="Bitcoin").press("Enter")
    expect(page).to_have_url(re.compile("/coins/btc/$"))
    page.locator(".scroll").focus()
    expect(page.locator(".scroll")).to_be_focused()


def test_default_pins_are_pinned_on_their_coin_page_too(open_page: Any) -> None:
    page = open_page("/coins/eth/")
    star = page.get_by_role("button", name="Pin Ethereum")
    expect(star).to_have_attribute("aria-pressed", "true")
    star.click()
    page.goto("/")
    assert symbols(page, "#cards .card") == ["BTC", "SOL", "XLM"]


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
    expect(page.locator(".card[data-symbol=BTC] .px")).to_have_text("63.250,12 $")
    expect(page.locator("#status")).to_contain_text("Live")
    expect(page.locator(".card[data-symbol=BTC] [data-part=age]")).to_have_text("gerade eben")
    page.get_by_role("button", name="Einstellungen").click()
    page.locator("#language").select_option("en")
    page.get_by_role("button", name="Ändern", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Markets")


NO_CONSTRUCTOR = """
  window.Notification = class { constructor() { throw new TypeError("Illegal constructor. Use a service worker."); } };
  Notification.permission = "granted";
"""
NOTIFIED = """async () => (await Promise.all((await navigator.serviceWorker.getRegistrations()).map(
  (each) => each.getNotifications()))).flat().map(({title}) => title).sort()"""
# To ask for the notifications that there are would lose one that is on its way.
SHOWN = """
  window.shown = [];
  const {showNotification} = ServiceWorkerRegistration.prototype;
  ServiceWorkerRegistration.prototype.showNotification = async function (text, ...others) {
    await showNotification.call(this, text, ...others);
    window.shown.push(text);
  };
"""


def test_a_service_worker_notifies_where_pages_may_not(open_page: Any, with_windows: Any) -> None:
    """As in Chrome on Android; several alerts that are due at once are all told. The rendered prices make none due."""
    page = open_page(goto=False, chromium=with_windows)
    page.context.grant_permissions(["notifications"])
    page.add_init_script(NO_CONSTRUCTOR)
    page.add_init_script(SHOWN)
    page.add_init_script(
        """localStorage["rates.alerts"] = '[{"symbol":"BTC","kind":"above","value":90000,"firedAt":0},'
          + '{"symbol":"ETH","kind":"above","value":8000,"firedAt":0}]'"""
    )
    Server(page, frame("board", rate(price="99000"), rate("ETH", "9000")))
    page.goto("/")
    expect(page.locator("#toast p")).to_have_count(2)
    told = ["BTC above $90,000.00: BTC is at $99,000.00", "ETH above $8,000.00: ETH is at $9,000.00"]
    await_value(page, "shown.sort()", told)
    await_value(page, NOTIFIED, told)


def test_what_nothing_can_notify_is_told_on_the_page(open_page: Any) -> None:
    page = open_page(goto=False)
    page.add_init_script(NO_CONSTRUCTOR)
    page.route("**/notification-worker.js", lambda route: route.fulfill(status=404))
    page.add_init_script(
        """localStorage["rates.alerts"] = '[{"symbol":"BTC","kind":"above","value":90000,"firedAt":0}]'"""
    )
    Server(page, frame("board", rate(price="99000")))
    with page.expect_console_message(lambda message: "no notification" in message.text):
        page.goto("/")
    expect(page.locator("#toast")).to_contain_text("BTC is at $99,000.00")
    page.locator("#alerts-open").click()
    expect(page.locator("#alert-told li")).to_have_count(1)
