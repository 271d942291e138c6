"""Candles and prices of the past over HTTP."""

import csv
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from rates.fanout.hub import get_hub
from rates.history import archive, writer
from rates.history.candles import DAY, HOUR, MINUTE, Candle, floor_time
from rates.history.recorder import Recorder
from rates.history.series import Instrument
from rates.models import Coin
from rates.types import Currency, Snapshot, time_text
from tests.boards import fragments
from tests.history.test_archive import BEGIN, minutes, write
from tests.history.test_candles import candle
from tests.history.test_recording import published

pytestmark = pytest.mark.django_db
ETH, EURO = Instrument("ethereum", "usd"), Instrument("USD", "eur")


@pytest.fixture(autouse=True)
def coins() -> Iterator[None]:
    get_hub.cache_clear()
    Coin.objects.all().delete()
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    Coin.objects.create(symbol="ETH", name="Ethereum", coingecko_id="ethereum")
    Coin.objects.create(symbol="OFF", name="Off", coingecko_id="off", enabled=False)
    yield
    get_hub.cache_clear()


def iso(seconds: float) -> str:
    return time_text(datetime.fromtimestamp(seconds, UTC))


def get(path: str, status: int = 200, **headers: str) -> Any:
    answer = Client().get(path, headers=headers)
    assert answer.status_code == status, answer.content
    return answer.json()


def candles(query: str = "", symbol: str = "BTC") -> list[dict[str, Any]]:
    return get(f"/api/rates/{symbol}/candles?{query}")["candles"]


def begins(found: list[dict[str, Any]]) -> list[float]:
    """Return when the candles begin, in minutes after `BEGIN`."""
    return [(datetime.fromisoformat(c["time"]).timestamp() - BEGIN) / MINUTE for c in found]


def code(path: str, status: int) -> str:
    """Return the code of a problem, whose parts are all there."""
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    body = answer.json()
    assert body["status"] == status
    assert all(body[name] for name in ("type", "title", "detail", "error"))
    return body["code"]


def test_candles_are_answered_as_they_were_published() -> None:
    write(Candle(BEGIN, *map(Decimal, ("5", "7.10", "1E-18", "6")), 12, "binance", True))
    body = get("/api/rates/btc/candles?interval=1m")
    assert {name: body[name] for name in ("symbol", "currency", "interval")} == {
        "symbol": "BTC", "currency": "usd", "interval": "1m",
    }  # fmt: skip
    assert body["candles"] == [
        {
            "time": iso(BEGIN), "open": "5", "high": "7.10", "low": "0.000000000000000001", "close": "6",
            "updates": 12, "source": "binance", "disputed": True, "complete": True,
        },
    ]  # fmt: skip


def test_a_start_is_in_and_an_end_is_out_and_the_last_are_answered() -> None:
    write(*minutes(BEGIN, 10))
    assert begins(candles(f"interval=1m&start={iso(BEGIN + 120)}&end={iso(BEGIN + 240)}")) == [2, 3]
    assert begins(candles("interval=1m&limit=2")) == [8, 9]
    assert begins(candles(f"interval=1m&start={iso(BEGIN + 1)}&end={iso(BEGIN + 61)}")) == [1]
    assert candles(f"interval=1m&start={iso(BEGIN + HOUR)}") == []


def test_a_gap_is_a_gap() -> None:
    write(candle(BEGIN, "5 5 5 5"), candle(BEGIN + 10 * MINUTE, "6 6 6 6"))
    assert begins(candles("interval=1m")) == [0, 10]
    assert begins(candles("interval=5m")) == [0, 10]


@pytest.mark.parametrize(("interval", "stored", "count"), [("5m", MINUTE, 5), ("15m", MINUTE, 15), ("4h", HOUR, 4)])
def test_other_intervals_are_made_of_whole_stored_candles(interval: str, stored: int, count: int) -> None:
    write(*[candle(BEGIN + n * stored, f"{n} {n + 2} {n} {n + 1}") for n in range(3 * count)], interval=stored)
    found = candles(f"interval={interval}&limit=2")
    assert [(c["open"], c["high"], c["low"], c["close"], c["updates"]) for c in found] == [
        (str(count), str(2 * count + 1), str(count), str(2 * count), count),
        (str(2 * count), str(3 * count + 1), str(2 * count), str(3 * count), count),
    ]


def test_no_more_candles_are_answered_than_points_were_asked_for() -> None:
    day = floor_time(BEGIN, DAY) - 30 * DAY
    write(*[candle(day + n * DAY, f"{n + 1} {n + 2} {n + 1} {n + 2}") for n in range(30)], interval=DAY)
    body = get("/api/rates/BTC/candles?interval=1d&points=10")
    assert (body["interval"], body["step"]) == ("1d", 4 * DAY)
    assert len(body["candles"]) <= 10
    assert sum(c["updates"] for c in body["candles"]) == 30
    assert all(datetime.fromisoformat(c["time"]).timestamp() % (4 * DAY) == 0 for c in body["candles"])
    assert (body["candles"][0]["open"], body["candles"][-1]["close"]) == ("1", "31")
    assert get("/api/rates/BTC/candles?interval=1d&points=30")["step"] == DAY
    assert len(get("/api/rates/BTC/candles?interval=1d&points=10&limit=3")["candles"]) == 3


def early_in_a_minute(room: float = 5.0) -> float:
    """Return the time; wait for the next minute if this one is nearly over."""
    left = MINUTE - time.time() % MINUTE
    time.sleep(left if left < room else 0)
    return time.time()


def test_the_running_candle_of_every_interval_is_last() -> None:
    now = early_in_a_minute()
    hour = floor_time(now, HOUR)
    write(candle(hour - HOUR, "5 9 1 6", 3600), interval=HOUR)
    archive.merge_closed(now)
    # In the first minute of an hour its only candle is the running one.
    begun = now - hour >= MINUTE
    write(*[candle(hour, "6 7 6 6", 12)] if begun else [])
    process = Recorder()
    process.record(published(now - BEGIN, "8"))
    for interval in ("1m", "1h", "4h", "1d"):
        last = candles(f"interval={interval}")[-1]
        assert (last["close"], last["complete"]) == ("8", False), interval
    if begun:
        assert [(c["open"], c["high"], c["complete"]) for c in candles("interval=1h")] == [
            ("5", "9", True), ("6", "8", False),
        ]  # fmt: skip


def test_the_running_candle_has_the_live_price() -> None:
    now = time.time()
    Recorder().record(published(now - BEGIN, "8"))
    board = fragments(BTC="9.5")
    get_hub().snapshot = Snapshot("epoch", 1, iso(now), board)
    last = candles("interval=1d")[-1]
    assert (last["open"], last["high"], last["low"], last["close"]) == ("8", "9.5", "8", "9.5")


def test_the_running_candle_is_disputed_as_soon_as_the_live_price_is() -> None:
    now = time.time()
    Recorder().record(published(now - BEGIN, "8"))
    board = fragments(BTC="9.5")
    disputed = board["BTC"].json.replace('"disputed":false', '"disputed":true').replace("kraken", "binance")
    get_hub().snapshot = Snapshot("epoch", 1, iso(now), {"BTC": board["BTC"]._replace(json=disputed)})
    last = candles("interval=1d")[-1]
    assert (last["close"], last["source"], last["disputed"]) == ("9.5", "binance", True)


def test_candles_of_a_clock_that_was_fast_are_told_when_their_time_has_come() -> None:
    now = early_in_a_minute()
    minute = floor_time(now, MINUTE)
    write(candle(minute - MINUTE, "6 6 6 6"), candle(minute + 50 * MINUTE, "9 9 9 9"))
    Recorder().record(published(minute + 55 * MINUTE - BEGIN, "9"))
    Recorder().record(published(minute + 56 * MINUTE - BEGIN, "9"))
    Recorder().record(published(minute + 57 * MINUTE - BEGIN, "9"))
    Recorder().record(published(now - BEGIN, "8"))
    for query in ("interval=1m", f"interval=1m&end={iso(now + DAY)}"):
        assert [(c["close"], c["complete"]) for c in candles(query)] == [("6", True), ("8", False)]
    assert [c["high"] for c in candles("interval=1h")][-1] == "8"


def test_a_minute_that_is_over_is_told_before_it_is_written_and_once_after() -> None:
    now = time.time()
    process = Recorder()
    process.record(published(now - MINUTE - BEGIN, "8"))
    assert [c["complete"] for c in candles("interval=1m")] == [True]
    process.flush()
    writer.write_closed(now + HOUR)
    process.flush()
    assert [c["updates"] for c in candles("interval=1m")] == [1]


def test_another_currency_is_told_where_its_worth_is_known() -> None:
    write(candle(BEGIN, "100 120 80 110"), candle(BEGIN + MINUTE, "100 100 100 100"))
    write(candle(BEGIN, "0.9 0.9 0.9 0.8"), pair=EURO)
    body = get("/api/rates/BTC/candles?interval=1m&currency=EUR")
    assert (body["currency"], body["unconverted"]) == ("eur", 1)
    assert [(c["open"], c["high"], c["low"], c["close"]) for c in body["candles"]] == [("90.0", "96.0", "64.0", "88.0")]
    assert code("/api/rates/BTC/candles?currency=xyz", 400) == "unknown_currency"


def test_another_currency_is_told_of_a_coin_whose_last_price_is_old() -> None:
    write(*minutes(BEGIN, 2))
    write(*minutes(BEGIN, 10), pair=EURO)
    body = get("/api/rates/BTC/candles?interval=1m&limit=2&currency=eur")
    assert (begins(body["candles"]), body["unconverted"]) == ([0, 1], 0)
    assert begins(candles("interval=5m&limit=2&currency=eur")) == [0]


def test_a_coin_that_is_a_currency_is_worth_what_its_candles_say(settings: Settings) -> None:
    settings.RATES_CURRENCIES = ["btc", "sats"]
    write(candle(BEGIN, "100 120 80 125"), candle(BEGIN + MINUTE, "100 100 100 100"))
    write(candle(BEGIN, "5 6 4 5"), candle(BEGIN + MINUTE, "5 5 5 5"), pair=ETH)
    # What was recorded stands.
    write(candle(BEGIN + MINUTE, "0.02 0.02 0.02 0.02"), pair=Instrument("USD", "btc"))
    body = get("/api/rates/ETH/candles?interval=1m&currency=btc")
    assert [(c["open"], c["close"]) for c in body["candles"]] == [("0.05", "0.040"), ("0.10", "0.10")]
    assert body["unconverted"] == 0
    sats = get("/api/rates/ETH/candles?interval=1m&currency=sats")
    assert [(c["open"], c["close"]) for c in sats["candles"]] == [("5000000", "4000000"), ("5000000", "5000000")]
    at = f"/api/rates/ETH/at?time={iso(BEGIN + MINUTE)}&currency=btc"
    assert get(at)["price"] == "0.040"


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/api/rates/NONE/candles", 404, "unknown_symbol"),
        ("/api/rates/OFF/candles", 404, "unknown_symbol"),
        ("/api/rates/BTC/candles?interval=2h", 400, "bad_interval"),
        ("/api/rates/BTC/candles?interval=1M", 400, "bad_interval"),
        ("/api/rates/BTC/candles?start=yesterday", 400, "bad_time"),
        ("/api/rates/BTC/candles?start=2026-11-02&end=2026-11-01", 400, "bad_time"),
        ("/api/rates/BTC/candles?start=2026-11-02&end=2026-11-02", 400, "bad_time"),
        ("/api/rates/BTC/candles?limit=5001", 400, "bad_limit"),
        ("/api/rates/BTC/candles?limit=0", 400, "bad_limit"),
        ("/api/rates/BTC/candles?limit=-1", 400, "bad_limit"),
        ("/api/rates/BTC/candles?points=1", 400, "bad_limit"),
        ("/api/rates/NONE/at?time=2026-11-20", 404, "unknown_symbol"),
        ("/api/rates/BTC/at", 400, "bad_time"),
        ("/api/rates/BTC/at?time=2999-01-01T00:00:00Z", 400, "bad_time"),
        ("/api/rates/BTC/at?time=9999-12-31T23:59:59-23:59", 400, "bad_time"),
        # The first digits of a number of milliseconds look like a date of the year 1712.
        ("/api/rates/BTC/at?time=1712010112345", 400, "bad_time"),
        ("/api/rates/BTC/candles?start=1712010112345", 400, "bad_time"),
        ("/api/rates/BTC/at?time=2026-11-20&within=long", 400, "bad_time"),
        ("/api/rates/BTC/at?time=1969-11-20", 404, "no_price"),
        ("/api/rates/BTC/at?time=2020-11-20", 404, "no_price"),
        ("/api/rates/at", 405, "method_not_allowed"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_word(path: str, status: int, word: str) -> None:
    assert code(path, status) == word


@pytest.mark.parametrize(
    "bound", ["start=2300-01-01", "start=9999-12-31T23:59:59Z", "end=1960-01-01", "end=1970-01-01"]
)
def test_a_range_without_candles_has_none(bound: str) -> None:
    write(*minutes(BEGIN, 3))
    for interval in ("1m", "4h", "1d"):
        assert get(f"/api/rates/BTC/candles?interval={interval}&{bound}")["candles"] == []


def test_other_methods_are_named_in_the_refusal() -> None:
    answer = Client().post("/api/rates/BTC/candles")
    assert (answer.status_code, answer["Allow"], answer.json()["code"]) == (405, "GET, HEAD", "method_not_allowed")
    assert Client().get("/api/rates/at")["Allow"] == "POST"


def at(query: str, symbol: str = "BTC") -> tuple[str, str, float]:
    body = get(f"/api/rates/{symbol}/at?time={query}")
    return body["price"], body["interval"], body["distance_seconds"]


def test_a_price_is_the_close_of_the_candle_that_ended_last() -> None:
    write(candle(BEGIN, "1 1 1 1", 3, "binance"), candle(BEGIN + MINUTE, "2 2 2 2"))
    assert get(f"/api/rates/btc/at?time={iso(BEGIN + 90.5)}") == {
        "symbol": "BTC", "currency": "usd", "time": iso(BEGIN + 90.5), "price": "1", "observed_at": iso(BEGIN + 60),
        "interval": "1m", "source": "binance", "distance_seconds": 30.5, "disputed": False,
    }  # fmt: skip
    assert at(iso(BEGIN + 60)) == ("1", "1m", 0.0)
    assert at(iso(BEGIN + 180)) == ("2", "1m", 60.0)


def test_a_price_that_is_older_than_its_candle_is_long_is_told_to_who_allows_it() -> None:
    write(candle(BEGIN, "1 1 1 1"))
    path = f"/api/rates/BTC/at?time={iso(BEGIN + HOUR)}"
    assert code(path, 404) == "no_price"
    assert get(f"{path}&within=3540")["distance_seconds"] == 3540
    assert code(f"{path}&within=3539", 404) == "no_price"


def test_where_there_are_no_minutes_hours_serve_and_then_days() -> None:
    write(candle(BEGIN - 30 * DAY, "3 3 3 3"), interval=DAY)
    write(candle(BEGIN - 20 * DAY, "2 2 2 2"), interval=HOUR)
    write(candle(BEGIN, "1 1 1 1"))
    assert at(iso(BEGIN - 20 * DAY + 2 * HOUR)) == ("2", "1h", float(HOUR))
    assert at(iso(BEGIN - 29 * DAY + 60)) == ("3", "1d", 60.0)
    assert at(iso(BEGIN + 2 * MINUTE)) == ("1", "1m", 60.0)


def test_an_hour_that_ended_later_serves_better_than_a_minute_long_before() -> None:
    write(candle(BEGIN, "1 1 1 1"))
    write(candle(BEGIN + 5 * HOUR, "2 2 2 2"), interval=HOUR)
    assert at(iso(BEGIN + 6 * HOUR + 60)) == ("2", "1h", 60.0)


@pytest.mark.parametrize("last", [59, 49, 10])
def test_in_a_gap_of_minutes_the_hour_serves_wherever_the_gap_begins(last: int) -> None:
    write(*(candle(BEGIN + n * MINUTE, "1 1 1 1") for n in range(last + 1)))
    write(candle(BEGIN, "2 2 2 2"), interval=HOUR)
    moment = BEGIN + HOUR + 34 * MINUTE
    assert at(iso(moment)) == ("2", "1h", 34.0 * MINUTE)
    many = post({"wanted": [{"symbol": "BTC", "time": iso(moment)}]}).json()["prices"]
    assert [(each["price"], each["interval"]) for each in many] == [("2", "1h")]
    assert code(f"/api/rates/BTC/at?time={iso(BEGIN + 3 * HOUR)}", 404) == "no_price"
    # Who allows older ones is told the last one.
    far = get(f"/api/rates/BTC/at?time={iso(moment)}&within=86400")
    assert far["observed_at"] == iso(BEGIN + HOUR)
    assert far["price"] == ("1" if last == 59 else "2")


def test_in_a_gap_of_minutes_after_the_hour_its_last_minute_serves_who_allows_it() -> None:
    write(*(candle(BEGIN + n * MINUTE, "1 1 1 1") for n in range(70)))
    write(candle(BEGIN, "2 2 2 2"), interval=HOUR)
    moment = iso(BEGIN + HOUR + 34 * MINUTE)
    assert at(moment) == ("2", "1h", 34.0 * MINUTE)
    assert get(f"/api/rates/BTC/at?time={moment}&within=3600")["interval"] == "1m"


def test_what_a_currency_was_worth_in_a_gap_of_its_minutes_is_the_hours() -> None:
    write(*(candle(BEGIN + n * MINUTE, "100 100 100 100") for n in range(100)))
    write(*(candle(BEGIN + n * MINUTE, "0.5 0.5 0.5 0.5") for n in range(70)), pair=EURO)
    write(candle(BEGIN, "0.8 0.8 0.8 0.8"), pair=EURO, interval=HOUR)
    prices = [get(f"/api/rates/BTC/at?time={iso(BEGIN + n * MINUTE)}&currency=eur") for n in (70, 95)]
    assert [(each["price"], each["interval"]) for each in prices] == [("50.0", "1m"), ("80.0", "1m")]


def test_a_blank_may_stand_for_the_plus_of_a_zone_and_no_zone_is_utc() -> None:
    write(candle(BEGIN, "1 1 1 1"))
    moment = datetime.fromtimestamp(BEGIN + 60, UTC)
    assert at(moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")) == ("1", "1m", 0.0)
    assert at(moment.strftime("%Y-%m-%dT%H:%M:%S")) == ("1", "1m", 0.0)


def test_now_is_the_live_price_unless_it_is_stale() -> None:
    board = fragments(BTC="63250.12")
    get_hub().snapshot = Snapshot("epoch", 1, iso(time.time() - 1), board)
    body = get(f"/api/rates/BTC/at?time={iso(time.time())}")
    assert (body["price"], body["interval"], body["source"]) == ("63250.12", "live", "kraken")
    stale = board["BTC"]._replace(json=board["BTC"].json.replace('"stale":false', '"stale":true'))
    get_hub().snapshot = Snapshot("epoch", 1, iso(time.time() - 1), {"BTC": stale})
    assert code(f"/api/rates/BTC/at?time={iso(time.time())}", 404) == "no_price"


def test_the_second_of_a_publication_is_now_for_who_asks_in_whole_seconds() -> None:
    second = int(time.time()) - 1
    get_hub().snapshot = Snapshot("epoch", 1, iso(second + 0.9), fragments(BTC="63250.12"))
    assert at(iso(second))[1] == "live"
    assert code(f"/api/rates/BTC/at?time={iso(second - 0.001)}", 404) == "no_price"


def test_the_minute_that_has_just_ended_serves_before_it_is_written() -> None:
    now = time.time()
    Recorder().record(published(floor_time(now, MINUTE) - 1 - BEGIN, "8"))
    assert at(iso(now))[:2] == ("8", "1m")


def post(body: Any, status: int = 200, address: str = "/api/rates/at", **headers: str) -> HttpResponse:
    text = body if isinstance(body, str) else json.dumps(body)
    answer = Client(enforce_csrf_checks=True).post(address, text, content_type="application/json", headers=headers)
    assert answer.status_code == status, answer.content
    return answer


def test_many_prices_are_answered_in_the_order_of_the_question() -> None:
    write(candle(BEGIN, "1 1 1 1"))
    write(candle(BEGIN, "2 2 2 2"), pair=ETH)
    wanted = [
        {"symbol": "eth", "time": iso(BEGIN + 60)},
        {"symbol": "BTC", "time": iso(BEGIN + 60)},
        {"symbol": "NONE", "time": iso(BEGIN + 60)},
        {"symbol": "BTC", "time": "soon"},
        {"symbol": "BTC", "time": iso(BEGIN)},
        "BTC",
    ]
    prices = post({"wanted": wanted}).json()["prices"]
    assert [(p["symbol"], p.get("price"), p.get("code")) for p in prices] == [
        ("ETH", "2", None), ("BTC", "1", None), ("NONE", None, "unknown_symbol"), ("BTC", None, "bad_time"),
        ("BTC", None, "no_price"), (None, None, "bad_request"),
    ]  # fmt: skip
    assert prices[0]["interval"] == "1m"
    assert prices[4]["time"] == iso(BEGIN)
    assert all(p["detail"] for p in prices[2:])
    assert post({"wanted": []}).json() == {"prices": []}


def test_the_central_banks_rate_stands_until_the_next_working_day() -> None:
    friday, moment = floor_time(BEGIN, DAY) - 3 * DAY, floor_time(BEGIN, DAY) + HOUR
    write(candle(friday, "0.5 0.5 0.5 0.5")._replace(source="ecb"), pair=EURO, interval=DAY)
    write(*(candle(friday + n * DAY, "100 100 100 100") for n in range(9)), interval=DAY)
    found = get(f"/api/rates/BTC/at?time={iso(moment)}&currency=eur")
    assert (found["price"], found["distance_seconds"]) == ("50.0", HOUR)
    assert code(f"/api/rates/BTC/at?time={iso(friday + 7 * DAY)}&currency=eur", 404) == "no_price"
    # What an exchange told is no rate of a day.
    write(candle(friday, "0.5 0.5 0.5 0.5")._replace(source="kraken"), pair=EURO, interval=DAY)
    refusal = get(f"/api/rates/BTC/at?time={iso(moment)}&currency=eur", 404)
    assert refusal["detail"].startswith("BTC has no price in EUR within one candle before ")


def test_the_live_price_is_told_in_another_currency_too() -> None:
    now = iso(time.time() - 1)
    worth = Currency("eur", "0.90", None, "kraken", now)
    get_hub().snapshot = Snapshot("epoch", 1, now, fragments(BTC="100"), {"eur": worth})
    moment = iso(time.time())
    found = get(f"/api/rates/BTC/at?time={moment}&currency=eur")
    assert (found["price"], found["interval"], found["currency"]) == ("90.00", "live", "eur")
    assert code(f"/api/rates/BTC/at?time={moment}&currency=gbp", 404) == "no_price"


def test_many_prices_in_another_currency() -> None:
    write(candle(BEGIN, "100 100 100 100"))
    write(candle(BEGIN, "0.9 0.9 0.9 0.8"), pair=EURO)
    question = {"currency": "EUR", "wanted": [{"symbol": "BTC", "time": iso(BEGIN + 60)}]}
    (price,) = post(question).json()["prices"]
    assert (price["currency"], price["price"]) == ("eur", "80.0")
    assert post(question | {"currency": "xyz"}, 400).json()["code"] == "unknown_currency"


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ("no json", 400, "bad_request"),
        ("[]", 400, "bad_request"),
        ({"wanted": {}}, 400, "bad_request"),
        ({"wanted": 1001 * [{"symbol": "BTC", "time": "2026-11-20"}]}, 413, "too_many"),
        (" " * 200_001, 413, "too_many"),
        ("[" * 100_000, 400, "bad_request"),
        (r'{"wanted": [{"symbol": "\ud800", "time": "2026-11-20"}]}', 400, "bad_request"),
        ('{"wanted": [{"symbol": NaN, "time": 1e999}]}', 400, "bad_request"),
        (r'{"wanted": [{"symbol": "\ud83d\ude00\uDFFF"}]}', 400, "bad_request"),
    ],
)
def test_a_question_that_cannot_be_read_is_refused(body: Any, status: int, word: str) -> None:
    assert post(body, status).json()["code"] == word


def test_the_address_may_say_what_the_body_does_not() -> None:
    write(*minutes(BEGIN, 2))
    write(*minutes(BEGIN, 2), pair=EURO)
    question = {"wanted": [{"symbol": "BTC", "time": iso(BEGIN + HOUR)}]}
    address = "/api/rates/at?currency=EUR&within=86400"
    row = post(question, address=address).json()["prices"][0]
    assert (row["currency"], row["price"]) == ("eur", "36")
    row = post(question | {"currency": "usd", "within": None}, address=address).json()["prices"][0]
    assert (row["currency"], row["price"]) == ("usd", "6")
    assert post(question | {"within": 1}, address=address).json()["prices"][0]["code"] == "no_price"
    for nonsense, code in (("currency=xyz", "unknown_currency"), ("within=-1", "bad_time")):
        for body in (question, question | {"currency": "usd", "within": 1}):
            assert post(body, 400, address=f"/api/rates/at?{nonsense}").json()["code"] == code


def test_a_time_that_is_missing_is_said_to_be() -> None:
    assert "time: is missing" in get("/api/rates/BTC/at", 400)["detail"]


def test_a_spreadsheet_gets_the_same_rows() -> None:
    write(*minutes(BEGIN, 2))
    for query, headers in (("&format=csv", {}), ("", {"Accept": "text/csv"})):
        answer = Client().get(f"/api/rates/BTC/candles?interval=1m{query}", headers=headers)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
        assert [(row["time"], row["close"]) for row in rows] == [(iso(BEGIN), "6"), (iso(BEGIN + 60), "6")]
        assert (rows[0]["disputed"], rows[0]["complete"]) == ("false", "true")
    answer = post(
        {"wanted": [{"symbol": "BTC", "time": iso(BEGIN + 60)}, {"symbol": "=1+1", "time": ""}]}, Accept="text/csv"
    )
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["symbol"], row["price"], row["code"]) for row in rows] == [
        ("BTC", "6", ""),
        ("'=1+1", "", "unknown_symbol"),
    ]


def test_who_holds_the_answer_is_told_so() -> None:
    write(*minutes(BEGIN, 2))
    path = f"/api/rates/BTC/candles?interval=1m&end={iso(BEGIN + HOUR)}"
    answer = Client().get(path)
    again = Client().get(path, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])
    assert Client().head(path).status_code == 200
    assert "max-age" in answer["Cache-Control"]
    assert "Accept" in answer["Vary"]
