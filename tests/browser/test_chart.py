"""The history on a coin's page: ranges, candles, gaps, disputes, keyboard, and a live end without holes."""

import json
import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.axe import violations
from tests.browser.sockets import Server, frame, rate

expect = pytest.importorskip("playwright.sync_api").expect
STEPS = {"1m": 60, "5m": 300, "1h": 3600, "4h": 14400, "1d": 86400}
RANGES = {
    "1 h": (60, 61),
    "7 d": (3600, 169),
    "30 d": (14400, 181),
    "1 y": (86400, 366),
    "All": (86400, 5000),
    "24 h": (300, 289),
}
# Candles before the running one: from which to which there are none, and which one is disputed.
GAP, DISPUTED = range(20, 30), 2


def answer(query: str) -> tuple[int, int, str]:
    """Return step and limit of a question about candles, and what a server answers: a slow climb with a gap."""
    asked = parse_qs(query)
    step, limit = STEPS[asked["interval"][0]], int(asked["limit"][0])
    running = int(time.time()) // step
    candles = [
        {
            "time": datetime.fromtimestamp((running - n) * step, UTC).isoformat(),
            "open": f"{62000 - n}.50",
            "high": f"{62010 - n}.50",
            "low": f"{61990 - n}.50",
            "close": f"{62001 - n}.50",
            "source": "kraken",
            "disputed": n == DISPUTED,
        }
        for n in range(limit - 1, -1, -1)
        if n not in GAP
    ]
    unconverted = 12 if "currency" in asked else 0
    return step, limit, json.dumps({"step": step, "unconverted": unconverted, "candles": candles})


@pytest.fixture
def page(open_page: Any) -> Any:
    """The page of BTC, live; its history is what `answer` says."""
    page = open_page(goto=False)
    page.server = Server(page, frame("board", rate(price="62001.50")))

    def respond(route: Any) -> None:
        route.fulfill(body=answer(urlsplit(route.request.url).query)[2], content_type="application/json")

    page.route("**/api/rates/BTC/candles?*", respond)
    page.goto("/coins/btc/")
    expect(page.locator("#chart canvas")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Live")
    return page


def test_each_range_is_read_drawn_listed_and_offered_as_a_file(page: Any) -> None:
    for label, (step, limit) in RANGES.items():
        with page.expect_response("**/candles?*") as answered:
            page.get_by_role("button", name=label, exact=True).click()
        asked = urlsplit(answered.value.url).query
        assert answer(asked)[:2] == (step, limit)
        assert parse_qs(asked)["points"] == ["1000"]  # the server merges what a screen cannot show
        expect(page.locator("#updates tr").first).to_contain_text("62,001.50")
        file = parse_qs(urlsplit(page.locator("#csv").get_attribute("href")).query)
        oldest = datetime.fromisoformat(file["start"][0]).timestamp()
        # A gap brings no older candles into the file. While this runs, a candle may end.
        assert oldest in {(int(time.time()) // step - ended - limit + 1) * step for ended in (0, 1)}
    expect(page.get_by_role("button", name="24 h", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#extremes")).to_have_text("Lowest $61,702.50, highest $62,010.50 in this range")
    expect(page.locator("#moved")).to_have_text("+0.47% in this range")
    expect(page.locator("#updates tr")).to_have_count(12)
    expect(page.locator("#updates tr").nth(DISPUTED)).to_contain_text("disputed")
    assert [file[name] for name in ("interval", "limit", "format")] == [["5m"], ["289"], ["csv"]]
    page.get_by_role("button", name="Candles").click()
    page.get_by_role("button", name="1 y", exact=True).click()
    page.reload()
    expect(page.get_by_role("button", name="Candles")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="1 y", exact=True)).to_have_attribute("aria-pressed", "true")


def test_a_candle_is_told_to_pointer_and_keyboard(page: Any) -> None:
    readout, chart = page.locator("#readout"), page.locator("#chart")
    chart.focus()
    for _ in range(DISPUTED):
        page.keyboard.press("ArrowLeft")
    told = r"Open \$61,998\.50\W+High \$62,008\.50\W+Low \$61,988\.50\W+Close \$61,999\.50\W+Kraken\W+disputed"
    expect(readout).to_contain_text(re.compile(told))
    expect(chart).to_have_attribute("aria-valuetext", re.compile(told))
    page.keyboard.press("Home")
    expect(readout).to_contain_text("Open $61,712.50")
    page.keyboard.press("End")
    expect(readout).to_contain_text("Close $62,001.50")
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 100)
    expect(readout).to_contain_text(re.compile(r"Open \$61,7\d\d\.50"))
    assert violations(page) == []


@pytest.mark.parametrize("width", [390, 360])
def test_the_table_of_a_price_with_many_decimals_fits_on_a_phone(width: int, page: Any) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.evaluate("for (const cell of document.querySelectorAll('#updates td.r')) cell.textContent = '0.00123457'")
    table = page.locator(".figures-table .scroll")
    assert table.evaluate("table => table.scrollWidth <= table.clientWidth")
    expect(page.locator("#updates tr").nth(DISPUTED).get_by_text("disputed")).to_be_visible()


def test_the_running_candle_moves_and_a_paused_page_has_no_hole(page: Any) -> None:
    row = page.locator("#updates tr").first

    def publish(price: str, seq: int, **facts: Any) -> None:
        page.server.sockets[-1].send(frame("update", rate(price=price, **facts), seq=seq, removed=[]))

    publish("62222.00", 2, source="binance")
    expect(row).to_have_text(re.compile(r"62,222\.00\s*61,990\.50\s*62,222\.00\s*Binance"))
    page.locator("#pause").click()
    publish("63333.00", 3)
    publish("62300.00", 4)
    expect(row).to_contain_text("62,222.00")
    page.locator("#pause").click()
    expect(row).to_have_text(re.compile(r"63,333\.00\s*61,990\.50\s*62,300\.00"))
    publish("99999.00", 5, stale=True)
    publish("62301.00", 6)
    expect(row).to_contain_text("62,301.00")
    expect(row).not_to_contain_text("99,999")
    with page.expect_request("**/candles?*"):  # a tab that was hidden asks the server what it may have missed
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_chart_says_what_is_missing_in_another_currency(page: Any) -> None:
    note = page.locator("#chart-note")
    expect(note).to_be_hidden()
    with page.expect_response("**/candles?*currency=eur*"):
        page.locator("#currency").select_option("eur")
        page.server.sockets[-1].send(frame("board", rate(price="57001.50"), seq=2, currency="eur"))
    expect(note).to_have_text("Candles missing: 12. What they were worth in EUR is not known.")
    assert violations(page) == []


GAPS = """async (step) => {
  const {toColumns, extend} = await import("/static/dashboard/js/candles.js");
  const prices = {open: "9", high: "10.5", low: "8.25", close: "9.5"};
  const candle = (time) => ({time, ...prices, source: "kraken", disputed: time === 7 * step});
  const live = [candle(0)];
  extend(live, {price: "11", source: "binance", disputed: false}, 2.5 * step, step);
  extend(live, {price: "10", source: "binance", disputed: true}, 2.9 * step, step);
  extend(live, {price: "1", source: "binance", disputed: true}, 1.9 * step, step);
  return {
    columns: toColumns([candle(0), candle(step), candle(5 * step)], step).columns,
    live: live.slice(1),
  };
}"""


def test_a_gap_is_drawn_as_a_gap(page: Any) -> None:
    made = page.evaluate(GAPS, 60)
    times, opens, _, lows, closes = made["columns"]
    assert times == [0, 60, 120, 300]
    assert (opens, lows, closes) == ([9, 9, None, 9], [8.25, 8.25, None, 8.25], [9.5, 9.5, None, 9.5])
    assert made["live"] == [
        {"time": 120, "open": "11", "high": "11", "low": "10", "close": "10", "source": "binance", "disputed": True}
    ]


def test_a_range_without_prices_shows_none_of_the_one_before(open_page: Any) -> None:
    page = open_page(goto=False)
    page.server = Server(page, frame("board", rate(price="62001.50", stale=True)))

    def respond(route: Any) -> None:
        query = urlsplit(route.request.url).query
        empty = json.dumps({"step": 60, "unconverted": 0, "candles": []})
        route.fulfill(body=empty if "interval=1m" in query else answer(query)[2], content_type="application/json")

    page.route("**/api/rates/BTC/candles?*", respond)
    page.goto("/coins/btc/")
    expect(page.locator("#updates tr").first).to_contain_text("62,001.50")
    page.get_by_role("button", name="1 h", exact=True).click()
    expect(page.locator("#chart-empty")).to_have_text("There are no prices in this range yet.")
    expect(page.locator("#updates tr")).to_have_count(0)
    expect(page.locator("#chart canvas")).to_have_count(0)
    for shown in ("#extremes", "#moved", "#readout b"):
        assert "".join(page.locator(shown).all_inner_texts()) == "", shown
    page.get_by_role("button", name="24 h", exact=True).click()
    expect(page.locator("#chart canvas")).to_be_visible()
    expect(page.locator("#updates tr")).to_have_count(12)


def test_a_gap_up_to_the_present_is_drawn_too(open_page: Any) -> None:
    page = open_page(goto=False)
    page.server = Server(page, frame("board", rate(price="62001.50", stale=True)))

    def respond(route: Any) -> None:
        told = json.loads(answer(urlsplit(route.request.url).query)[2])
        route.fulfill(body=json.dumps(told | {"candles": told["candles"][:-134]}), content_type="application/json")

    page.route("**/api/rates/BTC/candles?*", respond)
    page.goto("/coins/btc/")
    expect(page.locator("#updates tr").first).to_contain_text("61,857.50")
    plot = page.locator("#chart .u-over").bounding_box()
    # Twelve hours without a price are half of the chart: what is nearest there is the last candle before them.
    page.mouse.move(plot["x"] + 0.55 * plot["width"], plot["y"] + 50)
    expect(page.locator("#readout")).to_contain_text("Close $61,857.50")
    page.mouse.move(plot["x"] + 0.25 * plot["width"], plot["y"] + 50)
    expect(page.locator("#readout")).to_contain_text(re.compile(r"Close \$61,78\d\.50"))


LABELS = """async ([times, step, utc]) => {
  const {timeLabels} = await import("/static/dashboard/js/chart-style.js");
  return timeLabels(times, step, utc);
}"""


@pytest.mark.parametrize(
    ("times", "step", "utc", "named"),
    [
        ([1796096610, 1796096640, 1796096670], 30, False, [False, True, False]),
        ([1796083200, 1796086800], 3600, False, [True, True]),
        ([1796072400, 1796083200, 1796094000], 10800, True, [False, True, False]),
        ([1796083200, 1796169600], 86400, True, [True, True]),
    ],
    ids=["within a minute", "hours", "within a day of UTC", "days"],
)
def test_times_are_told_once_however_few_candles_there_are(
    times: list[int], step: int, utc: bool, named: list[bool], page: Any
) -> None:
    labels = page.evaluate(LABELS, [times, step, utc])
    assert [label != "" for label in labels] == named
    assert len({*filter(None, labels)}) == sum(named)
