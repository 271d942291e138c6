import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rates import currencies, publication
from rates.types import Currency, DayStats, Rate, Row, Snapshot

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EUR = Currency("eur", "0.9213", "-0.5", "kraken", "2026-11-24T12:00:00.000Z", confirmed_by=("coingecko",))


def snapshot(*worths: Currency, price: str = "68412.5", **marks: bool) -> Snapshot:
    rate = Rate("BTC", Decimal(price), Decimal("2.0"), Decimal("1000000"), "binance", NOW, NOW)
    day = DayStats(Decimal(67000), Decimal(66000), Decimal(69000))
    fragments = [publication.encode_row(Row("BTC", "Bitcoin", rate, day=day, **marks))]
    fragments.append(publication.encode_row(Row("NEW", "New")))
    return Snapshot("e", 1, "2026-11-24T12:00:01.000Z", {f.symbol: f for f in fragments}, {w.code: w for w in worths})


def coin_in(board: Snapshot, code: str, symbol: str = "BTC") -> dict[str, object]:
    found: dict[str, object] = json.loads(currencies.in_currency(board, code).fragments[symbol].json)
    return found


@pytest.mark.parametrize(
    ("price", "factor", "derived"),
    [
        ("68412.5", "0.9213", "63028.4"),
        ("68412.53", "0.92131234", "63029.3080"),
        ("76975", "151.2", "11638600"),
        ("0.00001234", "0.9213", "0.0000113688"),
        ("1E+3", "151.25", "151000"),
        ("0.000000000000012", "0.9213", "0.00000000000001105"),
        ("2", "0.5", "1.0"),
    ],
)
def test_a_derived_price_has_the_digits_that_both_have_and_two_more(price: str, factor: str, derived: str) -> None:
    assert format(currencies.derive_price(Decimal(price), Decimal(factor)), "f") == derived


def test_no_derived_number_has_an_exponent() -> None:
    for price, factor in (("513861336155", "0.92"), ("1E+3", "9"), ("61688.99", "0.9")):
        assert "E" not in str(currencies.derive_price(Decimal(price), Decimal(factor)))


def test_the_base_is_left_as_it_is() -> None:
    board = snapshot(EUR)
    assert currencies.in_currency(board, "usd") is board


def test_a_row_in_another_currency_has_every_amount_in_it() -> None:
    coin = coin_in(snapshot(EUR), "eur")
    assert coin == {
        "symbol": "BTC",
        "name": "Bitcoin",
        "price": "63028.4",
        "change_24h_pct": "1.49",
        "volume_24h": "921300",
        "source": "binance",
        "observed_at": "2026-11-24T12:00:00.000Z",
        "stale": False,
        "disputed": False,
        "confirmed_by": [],
        "spread_pct": None,
        "high_24h": "63569.7",
        "low_24h": "60805.8",
        "from_history": ["high_24h", "low_24h"],
    }


@pytest.mark.parametrize("mark", ["stale", "disputed"])
def test_a_derived_price_has_the_worse_of_both_marks(mark: str) -> None:
    assert coin_in(snapshot(EUR._replace(**{mark: True})), "eur")[mark] is True
    assert coin_in(snapshot(EUR, **{mark: True}), "eur")[mark] is True
    assert coin_in(snapshot(EUR), "eur")[mark] is False


def test_without_a_worth_there_is_no_price() -> None:
    board = currencies.in_currency(snapshot(), "eur")
    coin = json.loads(board.fragments["BTC"].json)
    assert (coin["price"], coin["source"], coin["confirmed_by"]) == (None, None, [])
    assert "high_24h" not in coin
    assert publication.plain_text(board) == "{}"


def test_a_coin_in_itself_is_one() -> None:
    board = snapshot(
        Currency("btc", "0.0000146172118", "-1.96", "binance", EUR.observed_at, coin="BTC"),
        Currency("sats", "1461.72118", "-1.96", "binance", EUR.observed_at, coin="BTC"),
    )
    assert [coin_in(board, code)["price"] for code in ("btc", "sats")] == ["1", "100000000"]
    assert coin_in(board, "btc")["change_24h_pct"] == "0.00"


def test_a_coin_without_a_price_has_none_in_any_currency() -> None:
    board = snapshot(EUR)
    assert currencies.in_currency(board, "eur").fragments["NEW"] == board.fragments["NEW"]


def test_currencies_travel_with_the_publication() -> None:
    old, new = snapshot(), replace(snapshot(EUR), seq=2)
    message = publication.build_message(new, {"BTC"}, [])
    assert publication.apply(old, json.loads(json.dumps(message))).currencies["eur"] == EUR


def test_a_release_before_currencies_publishes_none() -> None:
    message = publication.build_message(replace(snapshot(), seq=2), {"BTC"}, [])
    del message["currencies"]
    assert publication.apply(snapshot(), message).currencies == {}


def test_the_base_is_listed_first_and_is_worth_one() -> None:
    listed = currencies.list_currencies(snapshot(EUR))
    assert [(worth.code, worth.per_base) for worth in listed] == [("usd", "1"), ("eur", "0.9213")]


def test_decimals_are_those_of_the_currency() -> None:
    wanted = {"eur": 2, "jpy": 0, "krw": 0, "kwd": 3, "btc": 8, "sats": 0}
    assert {code: currencies.decimals(code) for code in wanted} == wanted
