"""Charts and candles: granularity, times, currencies."""

import time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from rates.history.candles import DAY, HOUR
from tests.coingecko_api.market import PRICED, Api, past_price

pytestmark = pytest.mark.django_db
MINUTES_STORED, HOURS_STORED, DAYS_STORED = 180, 240, 400


def chart(api: Api, query: str, coin_id: str = "bitcoin") -> list[list[Any]]:
    """Return the prices of a chart, whose three lists have the same times."""
    body = api.get(f"coins/{coin_id}/market_chart{query}", read=float)
    assert list(body) == ["prices", "market_caps", "total_volumes"]
    times = [[point[0] for point in rows] for rows in body.values()]
    assert times[0] == times[1] == times[2] == sorted(set(times[0]))
    return body["prices"]


def steps(points: list[list[Any]]) -> set[float]:
    """Return the seconds between the points, but for the last, which is now."""
    times = [point[0] / 1000 for point in points[:-1]]
    return {later - earlier for earlier, later in pairwise(times)}


def test_a_day_is_in_five_minutes_and_hours_stand_in_before_them(api: Api) -> None:
    points = chart(api, "?vs_currency=usd&days=1")
    assert steps(points[-30:]) == {300}
    assert steps(points[:10]) == {3600}
    assert points[0][0] / 1000 == pytest.approx(time.time() - DAY, abs=HOUR + 60)


@pytest.mark.parametrize(("days", "step"), [("2", HOUR), ("9", HOUR), ("91", DAY), ("365", DAY), ("max", DAY)])
def test_more_days_are_in_longer_steps(api: Api, days: str, step: int) -> None:
    points = chart(api, f"?vs_currency=usd&days={days}")
    assert steps(points) == {step}
    expected = {"max": DAYS_STORED}.get(days) or int(days) * DAY // step
    assert abs(len(points) - expected) <= 2
    assert points[-1][0] / 1000 == pytest.approx(time.time(), abs=60)
    assert points[-1][1] == float(PRICED["bitcoin"])


def test_where_there_are_no_hours_days_stand_in(api: Api) -> None:
    points = chart(api, "?vs_currency=usd&days=90")
    assert steps(points[:50]) == {DAY}
    assert steps(points[-50:]) == {HOUR}


@pytest.mark.parametrize(
    ("query", "step"), [("days=30&interval=daily", DAY), ("days=1&interval=hourly", HOUR),
                        ("days=0.1&interval=5m", 300),
                        ("days=0.02&interval=1m", 60), ("days=7&interval=", HOUR)]
)  # fmt: skip
def test_an_interval_may_be_chosen(api: Api, query: str, step: int) -> None:
    assert steps(chart(api, f"?vs_currency=usd&{query}")) == {step}


def test_a_day_begins_with_the_price_at_midnight(api: Api) -> None:
    points = chart(api, "?vs_currency=usd&days=3&interval=daily")
    assert [point[0] % (DAY * 1000) for point in points[:-1]] == [0] * (len(points) - 1)
    for moment, price in points[:-1]:
        assert price == pytest.approx(float(past_price("bitcoin", time.time() - moment / 1000)), rel=1e-4)


def test_a_chart_in_another_currency(api: Api) -> None:
    dollars, euros = (chart(api, f"?vs_currency={code}&days=5") for code in ("usd", "EUR"))
    assert len(dollars) == len(euros)
    assert [p for _, p in euros] == pytest.approx([p * 0.92 for _, p in dollars])


def test_a_chart_in_a_coin(api: Api) -> None:
    dollars, bitcoins = (chart(api, f"?vs_currency={code}&days=5", "ethereum") for code in ("usd", "btc"))
    worth = [p for _, p in chart(api, "?vs_currency=usd&days=5")]
    assert [p for _, p in bitcoins] == pytest.approx([p / w for (_, p), w in zip(dollars, worth, strict=True)])
    satoshis = [p for _, p in chart(api, "?vs_currency=sats&days=5")]
    assert satoshis == pytest.approx([1e8] * len(satoshis))


def test_a_chart_of_a_coin_without_history_is_its_present_price(api: Api) -> None:
    assert [price for _, price in chart(api, "?vs_currency=usd&days=30", "stellar")] == [0.1042]
    assert chart(api, "?vs_currency=usd&days=30", "brand-new") == []
    assert chart(api, "?vs_currency=jpy&days=30", "stellar")[0][1] == pytest.approx(0.1042 * 151.5)


def test_only_the_present_point_has_a_volume_and_a_market_cap(api: Api) -> None:
    body = api.get("coins/bitcoin/market_chart?vs_currency=usd&days=1")
    for name in ("market_caps", "total_volumes"):
        assert {value for _, value in body[name][:-1]} == {None}
        assert body[name][-1][1] > 0


def test_a_range_has_what_is_between_two_moments(api: Api) -> None:
    end = int(time.time()) - 3 * DAY
    points = chart(api, f"/range?vs_currency=usd&from={end - DAY}&to={end}")
    assert len(points) == 24
    assert steps(points) == {HOUR}
    assert all(end - DAY <= moment / 1000 <= end for moment, _ in points)


def test_a_range_that_ends_now_ends_with_the_present_price(api: Api) -> None:
    now = int(time.time())
    points = chart(api, f"/range?vs_currency=usd&from={now - 3600}&to={now + 60}")
    assert steps(points) == {300}
    assert points[-1][1] == float(PRICED["bitcoin"])
    assert steps(chart(api, f"/range?vs_currency=usd&from={now - 364 * DAY}&to={now}")) == {DAY}


def test_a_range_may_be_written_as_dates(api: Api) -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 5 * DAY))
    hours = chart(api, f"/range?vs_currency=usd&from={day}&to={day}T12:00")
    assert len(hours) == 13
    assert chart(api, f"/range?vs_currency=usd&from={day}T00:00:00Z&to={day}T12:00:00%2B00:00") == hours
    assert chart(api, f"/range?vs_currency=usd&from={day}T12:00&to={day}") == []
    assert chart(api, "/range?vs_currency=usd&from=2001-01-01&to=2001-01-02") == []


@pytest.mark.parametrize(
    ("days", "step"),
    [("1", 1800), ("7", 4 * HOUR), ("14", 4 * HOUR), ("30", 4 * HOUR), ("90", 4 * DAY), ("max", 4 * DAY)],
)
def test_candles_end_at_their_time(api: Api, days: str, step: int) -> None:
    candles = api.get(f"coins/bitcoin/ohlc?vs_currency=usd&days={days}", read=float)
    begin, opened, high, low, close = candles[-2]
    assert begin % 60_000 == 0
    assert low <= min(opened, close) <= max(opened, close) <= high
    assert steps([*candles[-4:], [0]]) == {step}
    assert candles[-1][0] / 1000 <= time.time()


def test_candles_in_another_currency_stay_candles(api: Api) -> None:
    for code in ("eur", "eth", "sats"):
        for _, opened, high, low, close in api.get(f"coins/bitcoin/ohlc?vs_currency={code}&days=30"):
            assert low <= min(opened, close) <= max(opened, close) <= high


def test_precision_rounds_charts_too(api: Api) -> None:
    body = api.get("coins/bitcoin/market_chart?vs_currency=usd&days=2&precision=1", read=str)
    assert {len(str(price).partition(".")[2]) for _, price in body["prices"]} == {1}
    candles = api.get("coins/bitcoin/ohlc?vs_currency=usd&days=2&precision=0", read=str)
    assert not [price for row in candles for price in row if "." in price]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("market_chart?days=1", 422, "Missing parameter vs_currency"),
        ("market_chart?vs_currency=usd", 422, "Missing parameter days"),
        ("market_chart?vs_currency=zzz&days=1", 400, "invalid vs_currency"),
        ("market_chart?vs_currency=usd&days=soon", 400, "invalid days"),
        ("market_chart?vs_currency=usd&days=-1", 400, "invalid days"),
        ("market_chart?vs_currency=usd&days=nan", 400, "invalid days"),
        ("market_chart?vs_currency=usd&days=1&interval=weekly", 400, "invalid interval"),
        ("market_chart?vs_currency=usd&days=365&interval=5m", 400, "the span is too long"),
        ("market_chart/range?vs_currency=usd&from=1", 422, "Missing parameter to"),
        ("market_chart/range?vs_currency=usd&from=1&to=soon", 400, "invalid to"),
        ("ohlc?vs_currency=usd", 422, "Missing parameter days"),
        ("ohlc?vs_currency=zzz&days=1", 400, "invalid vs_currency"),
    ],
)
def test_what_is_missing_or_wrong_is_named(api: Api, path: str, status: int, words: str) -> None:
    assert api.error(f"coins/bitcoin/{path}", status).startswith(words)


def test_days_may_be_any_number(api: Api) -> None:
    for days in ("0", "0.5", "1e9", "99999999999999999999"):
        assert chart(api, f"?vs_currency=usd&days={days}")
    assert Decimal(0) < PRICED["bitcoin"]
