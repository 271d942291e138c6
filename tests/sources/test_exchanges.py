"""Binance and Kraken as backup: one question, one answer, whatever the exchange does."""

import json
import time
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pytest_django import Settings

from rates import store
from rates.exceptions import SourceError, SourceGarbled, SourceLimited, SourceRefused, SourceUnreachable
from rates.models import Coin
from rates.sources import binance as binance_source
from rates.sources import binance_stream, kraken_stream
from rates.sources import kraken as kraken_source
from rates.sources.binance import Result
from rates.types import USDT_PAIR, Rate, Target
from tests.coins import pairs
from tests.stand_ins.binance import Binance
from tests.stand_ins.kraken import Kraken

COINS = [
    Coin(symbol="BTC", coingecko_id="bitcoin", **pairs("BTC")),
    Coin(symbol="XLM", coingecko_id="stellar", **pairs("XLM")),
]
ANOTHER_SCRIPT = Coin(symbol="BinanceLife", coingecko_id="bianrensheng", binance_symbol="币安人生USDT")
NOBODY = Coin(symbol="NOPE", coingecko_id="nope", **pairs("NOPE"))
WRONG = ["null", "string", "negative", "zero", "nan", "infinite", "endless", "huge", "missing"]
NOW = datetime(2026, 11, 24, tzinfo=UTC)
DATA = Path(__file__).parents[1] / "data"
PRICES = st.decimals("1e-12", "1e12", places=12, allow_nan=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.decimals(allow_nan=False, allow_infinity=False, places=3) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["symbol", "last", "data", "s", "c", "E", "e", "channel", "stream"]), inner)
    ),
    max_leaves=12,
)


def write_json(value: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def read_kraken(text: str) -> list[Rate]:
    tickers = kraken_source.read_tickers([kraken_source.read_message(text)])
    return kraken_source.build_rates(tickers, {"BTC/USD": (Target("BTC"),)}, NOW)


@pytest.fixture(autouse=True)
def no_currencies(settings: Settings) -> None:
    """Ask about coins alone, but where a test says so."""
    settings.RATES_CURRENCIES = []


def test_binance_answers_all_pairs_in_one_question_and_one_about_their_status(binance: Binance) -> None:
    rates = {rate.symbol: rate for rate in binance_source.fetch_rates(COINS, 3)}
    assert rates["BTC"].price == Decimal("63250.12")
    assert rates["BTC"].change_24h_pct == 100
    assert rates["BTC"].volume_24h == Decimal("100000.5")
    assert rates["XLM"].price == Decimal("0.1042")
    assert [message["method"] for _, message in binance.messages] == ["ticker.24hr", "exchangeInfo"]


def test_kraken_answers_with_usdt_beside_the_coins(kraken: Kraken) -> None:
    rates = {rate.symbol: rate for rate in kraken_source.fetch_rates(COINS, 3)}
    assert {symbol: rate.price for symbol, rate in rates.items()} == {
        "BTC": Decimal("63250.12"),
        "XLM": Decimal("0.1042"),
        USDT_PAIR: Decimal("1.0001"),
    }
    assert rates["BTC"].change_24h_pct == Decimal("-2.41")


def test_pair_that_binance_does_not_know_costs_the_others_nothing_and_is_remembered(binance: Binance) -> None:
    assert len(binance_source.fetch_rates([*COINS, NOBODY], 3)) == 2
    assert store.load_unknown_pairs() == {"NOPEUSDT"}
    asked = len(binance.messages)
    assert len(binance_source.fetch_rates([*COINS, NOBODY], 3)) == 2
    assert len(binance.messages) == asked + 2


def test_pair_that_binance_does_not_trade_now_has_no_price_and_is_asked_for_again(binance: Binance) -> None:
    binance.fault, binance.faulty = "halted", frozenset({"BTC"})
    halted = binance_source.fetch_rates(COINS, 3)
    assert ({rate.symbol for rate in halted}, halted.absent) == (
        {"XLM"},
        {"BTC": "BTCUSDT is not traded now (BREAK)"},
    )
    beside_unknown = binance_source.fetch_rates([*COINS, NOBODY], 3)
    assert beside_unknown.absent["BTC"] == "BTCUSDT is not traded now (BREAK)"
    binance.fault = ""
    assert {rate.symbol for rate in binance_source.fetch_rates(COINS, 3)} == {"BTC", "XLM"}


@pytest.mark.parametrize("system", ["maintenance", "cancel_only", "post_only"])
def test_kraken_has_no_price_while_nothing_is_traded(kraken: Kraken, system: str) -> None:
    kraken.fault = system
    answer = kraken_source.fetch_rates(COINS, 3)
    assert (list(answer), answer.absent) == ([], dict.fromkeys(("BTC", "XLM"), f"not traded now ({system})"))
    said = write_json({"channel": "status", "type": "update", "data": [{"system": system}]})
    with pytest.raises(SourceUnreachable, match=system):
        kraken_stream.read_event(said, {}, NOW)


@pytest.mark.parametrize("data", [None, 7, [], [7], [{}], [{"system": None}], [{"system": "online"}]])
def test_a_status_that_tells_of_no_halt_is_none(data: Any) -> None:
    assert kraken_source.read_halt(kraken_source.read_message(write_json({"channel": "status", "data": data}))) == ""


def test_pair_that_kraken_does_not_know_costs_the_others_nothing(kraken: Kraken) -> None:
    assert len(kraken_source.fetch_rates([*COINS, NOBODY], 3)) == 3


def test_pairs_of_another_script_are_asked_for_like_others(binance: Binance) -> None:
    binance.prices["币安人生"] = Decimal("0.1521")
    rates = binance_source.fetch_rates([*COINS, ANOTHER_SCRIPT], 3)
    assert {rate.symbol: rate.price for rate in rates}["BinanceLife"] == Decimal("0.1521")
    assert [message["method"] for _, message in binance.messages] == ["ticker.24hr", "exchangeInfo"]


def test_a_pair_whose_script_binance_does_not_take_costs_the_others_nothing(binance: Binance) -> None:
    binance.ascii_only = True
    assert {rate.symbol for rate in binance_source.fetch_rates([*COINS, ANOTHER_SCRIPT], 3)} == {"BTC", "XLM"}
    assert store.load_unknown_pairs() == {"币安人生USDT"}


def test_streams_are_named_in_small_letters_of_ascii_and_addresses_percent_encoded() -> None:
    address = binance_stream.open_address(["BTCUSDT", "ĞüUSDT", "币安人生USDT"])
    names = address.partition("streams=")[2]
    assert names == (
        "btcusdt@miniTicker/%C4%9E%C3%BCusdt@miniTicker/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@miniTicker"
    )
    (message,) = [json.loads(binance_stream.change_message(["币安人生USDT"], True, 1))]
    assert message["params"] == ["币安人生usdt@miniTicker"]


def test_kraken_is_asked_in_its_own_spelling(kraken: Kraken) -> None:
    stocks = [
        Coin(symbol=symbol, coingecko_id=symbol.lower(), kraken_symbol=f"{symbol}/USD")
        for symbol in ("AAPLx", "BRK.Bx")
    ]
    kraken.prices |= {"AAPLx": Decimal("231.5"), "BRK.Bx": Decimal("480.25")}
    rates = {rate.symbol: rate.price for rate in kraken_source.fetch_rates(stocks, 3)}
    assert (rates["AAPLx"], rates["BRK.Bx"]) == (Decimal("231.5"), Decimal("480.25"))


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_value_of_one_coin_costs_only_that_coin(binance: Binance, kraken: Kraken, fault: str) -> None:
    for stand_in in (binance, kraken):
        stand_in.fault, stand_in.faulty = fault, frozenset({"BTC"})
    assert {rate.symbol for rate in binance_source.fetch_rates(COINS, 3)} == {"XLM"}
    assert {rate.symbol for rate in kraken_source.fetch_rates(COINS, 1)} == {"XLM", USDT_PAIR}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("hang", SourceUnreachable),
        ("hang_handshake", SourceUnreachable),
        ("reset", SourceUnreachable),
        ("big", SourceUnreachable),
        ("500", SourceUnreachable),
        ("503_retry_after", SourceUnreachable),
        ("502", SourceUnreachable),
        ("429", SourceLimited),
        ("418", SourceLimited),
        ("451", SourceRefused),
        ("403", SourceRefused),
        ("redirect", SourceError),
        ("redirect_nowhere", SourceError),
        ("ban", SourceLimited),
    ],
)
def test_failure_has_a_name_and_keeps_the_deadline(binance: Binance, kraken: Kraken, fault: str, kind: type) -> None:
    binance.fault = kraken.fault = fault
    for source in (binance_source, kraken_source):
        began, timeout = time.monotonic(), 0.4 if fault.startswith("hang") else 5
        with pytest.raises(kind):
            source.fetch_rates(COINS, timeout)
        assert time.monotonic() - began < 5 * timeout


def test_pause_that_a_source_asks_for_is_passed_on(binance: Binance) -> None:
    for fault, seconds in (
        ("429", None),
        ("429_retry_after", 7),
        ("429_retry_after_twice", 7),
        ("418", 120),
        ("ban", 90),
        ("503_retry_after", 7),
    ):
        binance.fault = fault
        with pytest.raises(SourceUnreachable if "503" in fault else SourceLimited) as caught:
            binance_source.fetch_rates(COINS, 2)
        assert caught.value.retry_after == seconds


def test_other_frames_between_question_and_answer_are_skipped(binance: Binance, kraken: Kraken) -> None:
    for fault in ("garbage", "shutdown"):
        binance.fault = fault
        assert len(binance_source.fetch_rates(COINS, 2)) == 2
    kraken.fault = "garbage"
    assert len(kraken_source.fetch_rates(COINS, 2)) == 3


def test_time_stamps_are_the_sources_own_and_never_ahead_of_ours() -> None:
    ticker = Result("BTCUSDT", last_price="2", open_price="1", quote_volume="3", close_time=1000)
    symbols = {"BTCUSDT": (Target("BTC"),)}
    assert binance_source.parse_tickers([ticker], symbols, NOW)[0].observed_at == datetime(
        1970, 1, 1, 0, 0, 1, tzinfo=UTC
    )
    ahead = replace(ticker, close_time=int(NOW.timestamp() * 1000) + 5000)
    assert binance_source.parse_tickers([ahead], symbols, NOW)[0].observed_at == NOW
    assert binance_source.parse_tickers([replace(ticker, close_time=10**17)], symbols, NOW) == []
    assert binance_source.parse_tickers([replace(ticker, count=0)], symbols, NOW) == []


def test_recorded_answer_of_binance_is_read_exactly() -> None:
    symbols = {"BTCUSDT": (Target("BTC"),), "XLMUSDT": (Target("XLM"), Target("LUMEN"))}
    answer = binance_source.read_reply((DATA / "binance_ticker_24hr.json").read_text())
    rates = binance_source.parse_tickers(binance_source.results(answer), symbols, NOW)
    assert [(rate.symbol, str(rate.price), str(rate.volume_24h)) for rate in rates] == [
        ("BTC", "67195.12000000", "671951200.00000000"),
        ("XLM", "0.10420000", "52.10000000"),
        ("LUMEN", "0.10420000", "52.10000000"),
    ]
    assert rates[0].change_24h_pct == Decimal("1.8108")
    assert rates[0].observed_at == datetime(2022, 8, 10, 3, 2, 44, 909000, tzinfo=UTC)


def test_recorded_answer_of_kraken_is_read_exactly() -> None:
    (rate,) = read_kraken((DATA / "kraken_ticker.json").read_text())
    assert (str(rate.price), str(rate.change_24h_pct), rate.volume_24h) == (
        "108359.8",
        "-2.41",
        Decimal("235029177.24"),
    )
    assert rate.observed_at == datetime(2026, 7, 1, 9, 4, 31, 742648, tzinfo=UTC)


def test_recorded_event_of_binance_is_read_exactly() -> None:
    frame = (DATA / "binance_mini_ticker.json").read_text()
    event = binance_stream.read_event(frame, {"BTCUSDT": (Target("BTC"),)}, NOW)
    assert event is not None
    assert [(rate.symbol, str(rate.price), str(rate.volume_24h)) for rate in event.rates] == [
        ("BTC", "67195.12000000", "18")
    ]


@given(PRICES)
def test_no_digit_of_a_price_is_lost(price: Decimal) -> None:
    ticker = Result("BTCUSDT", last_price=f"{price:f}", close_time=1660100564909)
    (rate,) = binance_source.parse_tickers([ticker], {"BTCUSDT": (Target("BTC"),)}, NOW)
    assert rate.price == price
    (rate,) = read_kraken(f'{{"channel": "ticker", "data": [{{"symbol": "BTC/USD", "last": {price:f}}}]}}')
    assert rate.price == price


@given(JSON)
def test_no_message_breaks_a_parser(message: Any) -> None:
    symbols = {"BTCUSDT": (Target("BTC"),), "": (Target("BTC"),)}
    for result in (message, [message]):
        answer = binance_source.read_reply(write_json({"id": "all", "result": result}))
        with suppress(SourceGarbled):
            binance_source.parse_tickers(binance_source.results(answer), symbols, NOW)
    for module in (binance_stream, kraken_stream):
        module.read_event(write_json({"channel": "ticker", "data": [message]}), symbols, NOW)
        module.read_event(write_json({"stream": "x", "data": message}), symbols, NOW)
        # What is no object is refused, and whoever listens goes on.
        with suppress(ValueError) if not isinstance(message, dict) else nullcontext():
            module.read_event(write_json(message), symbols, NOW)


def test_kraken_tells_what_currencies_are_worth_in_either_direction(settings: Settings, kraken: Kraken) -> None:
    settings.RATES_CURRENCIES = ["eur", "jpy", "chf", "pln", "btc"]
    rates = {rate.symbol: rate for rate in kraken_source.fetch_rates(COINS, 3)}
    assert rates.keys() == {"BTC", "XLM", USDT_PAIR, "USD/EUR", "USD/JPY", "USD/CHF"}
    for code in ("EUR", "JPY", "CHF"):
        assert abs(rates[f"USD/{code}"].price / kraken.currencies[code] - 1) < Decimal("0.00001")
    # That of EUR/USD is -2.41 %.
    assert (rates["USD/EUR"].change_24h_pct, rates["USD/EUR"].volume_24h) == (Decimal("2.4695"), None)
    assert rates["USD/JPY"].change_24h_pct == Decimal("-2.41")


def test_krakens_stream_has_currencies_too(settings: Settings) -> None:
    settings.QUOTE_CURRENCY, settings.RATES_CURRENCIES = "eur", ["usd", "gbp", "eur"]
    pairs = kraken_stream.map_pairs(COINS)
    assert pairs["EUR/USD"] == (Target("EUR/USD"),)
    assert pairs["EUR/GBP"] == (Target("EUR/GBP"),)
    settings.QUOTE_CURRENCY = "gbp"
    assert kraken_stream.map_pairs(COINS)["EUR/GBP"] == (Target("GBP/EUR", inverse=True),)


def test_an_event_of_krakens_stream_tells_the_inverse(settings: Settings) -> None:
    settings.RATES_CURRENCIES = ["eur"]
    ticker = {"symbol": "EUR/USD", "last": Decimal("1.08543"), "timestamp": "2026-11-24T00:00:00Z"}
    message = {"channel": "ticker", "type": "update", "data": [ticker]}
    event = kraken_stream.read_event(write_json(message), kraken_stream.map_pairs(COINS), NOW)
    assert event is not None
    assert [(rate.symbol, rate.price) for rate in event.rates] == [("USD/EUR", Decimal("0.92129387"))]
