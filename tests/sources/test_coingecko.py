"""CoinGecko's source against the stand-in: every fault, every digit, and one tick of the feed."""

import json
import time
import tracemalloc
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from rates import feed, store
from rates.currencies import CODES
from rates.exceptions import NotOffered, SourceError, SourceGarbled, SourceLimited, SourceRefused, SourceUnreachable
from rates.models import Coin
from rates.publication import encode_row, plain_text
from rates.sources import coingecko as source
from rates.sources.vendor_values import read_json
from rates.types import USDT_PAIR, Rate, Row, Snapshot
from tests.coins import pairs
from tests.faults.processes import wait_until
from tests.stand_ins.coingecko import ANSWERS, CoinGecko
from tests.stand_ins.market import WRONG_VALUES
from tests.world import World, let_pass

BITCOIN = Coin(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
STELLAR = Coin(symbol="XLM", name="Stellar", coingecko_id="stellar", **pairs("XLM"))
COINS = [BITCOIN, STELLAR]
SECRET = "CG-secret-0123456789"
TIMEOUT = 0.3
SLOW = ("slow", "slow_head", "hang")
DATA = Path(__file__).parents[1] / "data"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

ERRORS = {
    "slow": SourceUnreachable,
    "slow_head": SourceUnreachable,
    "hang": SourceUnreachable,
    "429": SourceLimited,
    "429_retry_after": SourceLimited,
    "429_date": SourceLimited,
    "401": SourceRefused,
    "wrong_plan": SourceRefused,
    "403": SourceRefused,
    "too_long_ago": NotOffered,
    "plan": SourceGarbled,
    "currency": SourceGarbled,
    "404": NotOffered,
    "451": SourceRefused,
    "500": SourceUnreachable,
    "503_retry_after": SourceUnreachable,
    "503_date": SourceUnreachable,
    "502": SourceUnreachable,
    "429_as_200": SourceLimited,
    "error_body": SourceGarbled,
    "unprintable": SourceGarbled,
    "html": SourceGarbled,
    "wrong_type": SourceGarbled,
    "list_body": SourceGarbled,
    "deep": SourceGarbled,
    "truncated": SourceUnreachable,
    "empty": SourceGarbled,
    "empty_object": SourceGarbled,
    "big": SourceGarbled,
    "big_chunk": SourceGarbled,
    "reset": SourceUnreachable,
    "redirect": SourceGarbled,
}


@pytest.fixture(autouse=True)
def no_currencies(settings: Settings) -> None:
    """Ask about coins alone, but where a test says so."""
    settings.RATES_CURRENCIES = []


def fetch(timeout: float = 5) -> dict[str, Rate]:
    return {rate.symbol: rate for rate in source.fetch_rates(COINS, timeout)}


@pytest.fixture
def coins(db: None, settings: Settings) -> Iterator[list[Coin]]:
    """The coin list of the tests, with CoinGecko as the only source."""
    settings.RATES_SOURCES, settings.RATES_STREAM = ["coingecko"], []
    Coin.objects.all().delete()
    return Coin.objects.bulk_create(Coin(symbol=c.symbol, name=c.name, coingecko_id=c.coingecko_id) for c in COINS)


def test_all_faults_are_tested() -> None:
    assert ERRORS.keys() == ANSWERS.keys()


def test_rates_carry_what_was_sent() -> None:
    body = read_json((DATA / "coingecko_simple_price.json").read_text())
    first, second = source.parse_prices(body, {"bitcoin": ("BTC",), "stellar": ("XLM",)}, "usd", NOW)
    assert (str(first.price), str(second.price)) == ("76975", "0.276434")
    assert str(first.change_24h_pct) == "-1.4093297098441402"
    assert first.observed_at == datetime(2026, 5, 18, 8, 17, 38, tzinfo=UTC)
    assert (first.symbol, first.volume_24h, first.source, first.received_at) == ("BTC", None, "coingecko", NOW)


def test_usdt_comes_along(coingecko: CoinGecko) -> None:
    coingecko.prices["USDT"] = Decimal("0.99871")
    assert fetch()[USDT_PAIR].price == Decimal("0.99871")


def test_one_request_asks_for_all_coins_by_name_and_precision(coingecko: CoinGecko) -> None:
    fetch()
    (call,) = coingecko.requests
    assert call.params["ids"] == "bitcoin,stellar,tether"
    assert call.params["precision"] == "full"


@pytest.mark.parametrize(("fault", "error"), ERRORS.items())
def test_fault_is_named(coingecko: CoinGecko, settings: Settings, fault: str, error: type[SourceError]) -> None:
    settings.COINGECKO_API_KEY = SECRET
    coingecko.fault = fault
    with pytest.raises(error) as caught:
        fetch(TIMEOUT if fault in SLOW else 5)
    assert str(caught.value).startswith("coingecko: ")
    assert SECRET not in str(caught.value)
    assert str(caught.value).isprintable()
    # On a busy machine a request is given up before its server has read it.
    wait_until(lambda: coingecko.calls, 10)
    assert coingecko.calls == 1


@pytest.mark.parametrize("fault", [*WRONG_VALUES, "missing", "no_fields"])
def test_unusable_price_costs_only_its_coin(coingecko: CoinGecko, fault: str) -> None:
    coingecko.fault, coingecko.faulty = fault, frozenset({"BTC"})
    assert fetch().keys() == {"XLM", USDT_PAIR}


def test_price_without_time_counts_as_computed_on_arrival(coingecko: CoinGecko) -> None:
    coingecko.fault = "no_time"
    rate = fetch()["BTC"]
    assert rate.observed_at == rate.received_at


@pytest.mark.parametrize("fault", SLOW)
def test_deadline_counts_everything(coingecko: CoinGecko, fault: str) -> None:
    """Ten times the deadline is generous to a busy machine; these answers would take minutes."""
    coingecko.fault = fault
    started = time.monotonic()
    with pytest.raises(SourceUnreachable, match="no answer in time"):
        fetch(TIMEOUT)
    assert time.monotonic() - started < 10 * TIMEOUT


@pytest.mark.parametrize("fault", ["big", "big_chunk"])
def test_no_answer_takes_much_more_memory_than_its_limit(coingecko: CoinGecko, fault: str) -> None:
    # What the first call imports and keeps is not of the answer.
    fetch()
    coingecko.fault = fault
    tracemalloc.start()
    try:
        with pytest.raises(SourceError):
            fetch()
        assert tracemalloc.get_traced_memory()[1] < 3 * source.LONGEST_BODY
    finally:
        tracemalloc.stop()


def test_connection_of_a_server_that_has_gone_is_not_waited_for(settings: Settings) -> None:
    with CoinGecko() as first:
        settings.COINGECKO_API_URL = first.url
        fetch()
    with CoinGecko(port=first.port) as second:
        fetch()
    assert (first.calls, second.calls) == (1, 1)


def test_nobody_listening_is_unreachable() -> None:
    with pytest.raises(SourceUnreachable, match="Connection refused"):
        fetch()


def test_unknown_host_is_unreachable(settings: Settings) -> None:
    settings.COINGECKO_API_URL = "http://nowhere.invalid/api/v3/simple/price"
    with pytest.raises(SourceUnreachable):
        fetch()


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        ("429", None),
        ("429_retry_after", 7),
        ("429_date", 9),
        ("500", None),
        ("503_retry_after", 7),
        ("503_date", 9),
    ],
)
def test_limit_and_outage_name_their_pause(coingecko: CoinGecko, fault: str, pause: float | None) -> None:
    coingecko.fault = fault
    with pytest.raises(SourceLimited if "429" in fault else SourceUnreachable) as caught:
        fetch()
    assert caught.value.retry_after == pause


def test_redirect_is_not_followed(coingecko: CoinGecko, settings: Settings) -> None:
    """The key would go to wherever it points."""
    settings.COINGECKO_API_KEY = SECRET
    coingecko.fault = "redirect"
    with pytest.raises(SourceGarbled, match="302"):
        fetch()
    assert coingecko.calls == 1


@pytest.mark.parametrize(("plan", "header"), [("demo", "x-cg-demo-api-key"), ("pro", "x-cg-pro-api-key")])
def test_plan_chooses_the_header(coingecko: CoinGecko, settings: Settings, plan: str, header: str) -> None:
    settings.COINGECKO_API_KEY, settings.COINGECKO_PLAN = SECRET, plan
    fetch()
    headers = coingecko.requests[0].headers
    assert {name for name in headers if name.startswith("x-cg")} == {header}
    assert headers[header] == SECRET
    assert SECRET not in str(coingecko.requests[0].params)


@pytest.mark.parametrize(
    ("key", "plan", "host"),
    [("", "pro", "api."), ("", "demo", "api."), (SECRET, "demo", "api."), (SECRET, "pro", "pro-api.")],
)
def test_plan_chooses_the_host(settings: Settings, key: str, plan: str, host: str) -> None:
    settings.COINGECKO_API_URL = "https://api.coingecko.com/api/v3/simple/price"
    settings.COINGECKO_API_KEY, settings.COINGECKO_PLAN = key, plan
    assert source.price_url() == f"https://{host}coingecko.com/api/v3/simple/price"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"status": {"error_code": 429, "error_message": "Slow down."}}, (429, "Slow down.")),
        ({"error_code": 10010, "status": {"error_message": "Wrong host."}}, (10010, "Wrong host.")),
        ({"error": "coin not found"}, (0, "coin not found")),
        ({"error": {"status": {"error_code": 10012, "error_message": "Too old."}}}, (10012, "Too old.")),
        ({"error_code": 10002}, (10002, "")),
        ({"status": {"eur": 0.02, "last_updated_at": 1779092258}}, None),
        ({"status": {}, "error": {}}, None),
        ({"bitcoin": {"usd": 76975}}, None),
        ([], None),
    ],
)
def test_every_shape_of_an_error_is_read_and_no_price_is_taken_for_one(
    body: object, error: tuple[int, str] | None
) -> None:
    assert source.find_error(read_json(json.dumps(body))) == error


@pytest.mark.parametrize("fault", ["too_long_ago", "plan", "currency", "404"])
def test_an_error_about_the_question_pauses_nothing(coingecko: CoinGecko, coins: list[Coin], fault: str) -> None:
    coingecko.fault = fault
    for _ in range(3):
        feed.run_tick()
    assert coingecko.calls == 3


def test_key_repeated_by_the_vendor_is_not_told(settings: Settings) -> None:
    settings.COINGECKO_API_KEY = SECRET
    error = source.find_error({"error": f"bad key\n {SECRET}", "error_code": Decimal(10002)})
    assert str(source.answer_error(400, error, None)) == (
        "coingecko: refused (10002): bad key [key]; check COINGECKO_API_KEY and COINGECKO_PLAN"
    )


def test_many_coins_are_asked_for_in_short_addresses(coingecko: CoinGecko) -> None:
    many = [Coin(symbol=f"C{n}", coingecko_id=f"coin-{n}") for n in range(450)]
    for coin in many:
        coingecko.ids[coin.coingecko_id], coingecko.prices[coin.symbol] = (coin.symbol, Decimal("1.5"))
    assert len(source.fetch_rates(many, 5)) == 451
    assert coingecko.calls == source.count_calls(many) == 2


def test_no_request_has_more_ids_than_have_been_answered() -> None:
    many = [Coin(symbol=f"C{n}", coingecko_id=f"{n:03}") for n in range(600)]
    assert [len(ids) for ids in source._batches(many)] == [500, 101]


def test_long_ids_make_no_long_address(coingecko: CoinGecko) -> None:
    many = [Coin(symbol=f"C{n}", coingecko_id=f"{'long-' * 12}{n:03}") for n in range(200)]
    source.fetch_rates(many, 5)
    assert coingecko.calls == source.count_calls(many) == 4
    assert max(len(call.params["ids"]) for call in coingecko.requests) <= source.LONGEST_IDS


numbers = st.builds(
    lambda digits, exponent: f"{digits}e{exponent}",
    st.integers(min_value=1, max_value=10**18 - 1),
    st.integers(min_value=-30, max_value=0),
) | st.decimals(min_value="1e-18", max_value="1e12", places=18).map(str)


@given(numbers)
def test_digits_sent_are_digits_on_the_wire(text: str) -> None:
    body = read_json(f'{{"bitcoin":{{"usd":{text}}}}}')
    (rate,) = source.parse_prices(body, {"bitcoin": ("BTC",)}, "usd", NOW) or (None,)
    if rate is None:
        assert not -30 <= Decimal(text).adjusted() <= 18 or not Decimal(text)
        return
    fragment = encode_row(Row("BTC", "Bitcoin", rate))
    assert Decimal(fragment.price or "").as_tuple() == Decimal(format(Decimal(text), "f")).as_tuple()
    assert f'"price":"{fragment.price}"' in fragment.json
    assert plain_text(Snapshot("e", 1, "now", {"BTC": fragment})) == f'{{"BTC":{fragment.price}}}'


@given(
    st.recursive(
        st.none() | st.booleans() | st.decimals() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_body_breaks_the_parser(value: object) -> None:
    body = {"bitcoin": {"usd": value, "usd_24h_change": value, "last_updated_at": value}, "status": value}
    source.find_error(body)
    for rate in source.parse_prices(body, {"bitcoin": ("BTC",)}, "usd", NOW):
        assert rate.price > 0


def prices() -> dict[str, str | None]:
    snapshot = store.load_snapshot()
    return {symbol: fragment.price for symbol, fragment in snapshot.fragments.items()} if snapshot else {}


def test_tick_takes_one_request_for_all_coins(coingecko: CoinGecko, coins: list[Coin]) -> None:
    coingecko.prices["BTC"] = Decimal("63250.10")
    coingecko.prices["XLM"] = Decimal("0.1042170")
    feed.run_tick()
    assert prices() == {"BTC": "63250.10", "XLM": "0.1042170"}
    assert coingecko.calls == 1


def test_failing_source_leaves_the_last_prices_and_the_next_tick_is_the_retry(
    coingecko: CoinGecko, coins: list[Coin]
) -> None:
    coingecko.prices["BTC"] = Decimal("63250.10")
    feed.run_tick()
    coingecko.fault = "500"
    feed.run_tick()
    assert prices()["BTC"] == "63250.10"
    assert coingecko.calls == 2
    coingecko.fault = None
    coingecko.prices["BTC"] = Decimal(63251)
    feed.run_tick()
    assert prices()["BTC"] == "63251"


def test_unknown_coin_is_left_out(coingecko: CoinGecko, coins: list[Coin]) -> None:
    Coin.objects.filter(symbol="XLM").update(coingecko_id="no-such-coin")
    feed.run_tick()
    assert prices() == {"BTC": "63250.12", "XLM": None}


def test_no_enabled_coin_is_no_call(coingecko: CoinGecko, coins: list[Coin]) -> None:
    Coin.objects.update(enabled=False)
    feed.run_tick()
    assert coingecko.calls == 0


@pytest.mark.parametrize("fault", ["429_retry_after", "429_date", "503_retry_after", "503_date"])
def test_pause_is_kept_and_then_over(coingecko: CoinGecko, coins: list[Coin], fault: str) -> None:
    coingecko.fault = fault
    feed.run_tick()
    feed.run_tick()
    assert coingecko.calls == 1
    coingecko.fault = None
    let_pass(15)
    feed.run_tick()
    assert coingecko.calls == 2
    assert prices()["BTC"] == "63250.12"


def test_refused_source_is_left_alone(coingecko: CoinGecko, coins: list[Coin]) -> None:
    coingecko.fault = "401"
    feed.run_tick()
    feed.run_tick()
    assert coingecko.calls == 1


@pytest.fixture
def many(coingecko: CoinGecko) -> list[Coin]:
    """1,200 coins: seven requests."""
    ids = {f"coin-number-{number}": f"C{number}" for number in range(1200)}
    coingecko.ids |= ids
    coingecko.prices |= dict.fromkeys(ids.values(), Decimal(1))
    source._left_out.clear()
    return [Coin(symbol=symbol, coingecko_id=coin_id) for coin_id, symbol in ids.items()]


@dataclass
class Together(CoinGecko):
    """A CoinGecko that answers the first questions only when all of them are there."""

    all_there: Barrier = field(default_factory=lambda: Barrier(source.SIDE_BY_SIDE))

    def price_body(self, ids: Iterable[str], codes: Iterable[str], included: Collection[str], fault: str) -> str:
        if self.calls <= source.SIDE_BY_SIDE:
            self.all_there.wait(10)
        return super().price_body(ids, codes, included, fault)


def test_a_long_list_is_asked_for_side_by_side(settings: Settings, coingecko: CoinGecko, many: list[Coin]) -> None:
    with Together(ids=coingecko.ids, prices=coingecko.prices) as vendor:
        settings.COINGECKO_API_URL = vendor.url
        assert len(source.fetch_rates(many, 20)) == len(many) + 1


def test_what_a_list_that_is_too_long_has_no_time_for_comes_first_in_the_next_tick(
    coingecko: CoinGecko, many: list[Coin], caplog: pytest.LogCaptureFixture
) -> None:
    source._logged.clear()
    coingecko.delay = 1.0
    found: set[str] = set()
    for _ in range(3):
        arrived = {rate.symbol for rate in source.fetch_rates(many, 1.9)}
        assert 0 < len(arrived) < len(many)
        found |= arrived
    assert found >= {coin.symbol for coin in many}
    [line] = [record.getMessage() for record in caplog.records if "several ticks" in record.getMessage()]
    assert "coingecko: 1200 coins take" in line


class LimitedOnce(CoinGecko):
    """A CoinGecko for which the third question is one too many."""

    def take_fault(self) -> str:
        return "429_retry_after" if self.calls == 3 else ""


def test_a_limit_in_the_middle_of_a_long_list_loses_nothing_that_arrived(
    settings: Settings, coingecko: CoinGecko, many: list[Coin]
) -> None:
    with LimitedOnce(ids=coingecko.ids, prices=coingecko.prices) as vendor:
        settings.COINGECKO_API_URL = vendor.url
        with pytest.raises(SourceLimited) as limited:
            source.fetch_rates(many, 5)
    assert len(limited.value.arrived) >= len(many) // 2
    assert limited.value.retry_after is not None


def test_other_currencies_are_in_the_request_that_has_usdt(settings: Settings, coingecko: CoinGecko) -> None:
    settings.RATES_CURRENCIES = ["usd", "eur", "sats", "mmk"]
    many = [Coin(symbol=f"C{n}", coingecko_id=f"coin-{n}") for n in range(450)]
    rates = {rate.symbol: rate for rate in source.fetch_rates(many, 5)}
    assert sorted(call.params["vs_currencies"] for call in coingecko.requests) == ["usd", "usd,eur,btc,mmk"]
    assert abs(rates["USD/EUR"].price / coingecko.currencies["EUR"] - 1) < Decimal("0.000001")
    assert rates.keys() == {USDT_PAIR, "USD/EUR", "USD/BTC"}


def test_all_currencies_of_a_long_list_are_a_short_address_and_no_garbled_answer(
    settings: Settings, coingecko: CoinGecko
) -> None:
    settings.RATES_CURRENCIES = sorted(CODES)
    coingecko.currencies = {code.upper(): Decimal("1.23456789012345678") for code in CODES - {"usd", "btc"}}
    ids = {f"{n:03}-as": f"C{n}" for n in range(source.IDS_PER_REQUEST - 1)}
    coingecko.ids |= ids
    coingecko.prices |= dict.fromkeys(ids.values(), Decimal("0.0000123456789012345"))
    rates = source.fetch_rates([Coin(symbol=symbol, coingecko_id=i) for i, symbol in ids.items()], 20)
    assert len(rates) == len(ids) + 1 + len(CODES) - len({"usd", "sats", "bits"})
    [call] = coingecko.requests
    assert len(urlencode(call.params, safe=",")) < 4000


def test_a_ratio_has_the_change_of_a_ratio() -> None:
    usd = {"usd": Decimal(1), "usd_24h_change": Decimal("0.5")}
    eur = {"eur": Decimal("0.92"), "eur_24h_change": Decimal("1.505")}
    [rate] = source.parse_currencies({"tether": usd | eur}, ["eur", "gbp"], "usd", NOW)
    assert (rate.symbol, rate.price, rate.change_24h_pct) == ("USD/EUR", Decimal("0.92"), Decimal("1.0000"))


@pytest.mark.parametrize("item", [{}, {"usd": None, "eur": 1}, {"eur": 1}, {"usd": 1, "eur": 0}, 5, None])
def test_what_tells_nothing_about_a_currency_is_left_out(item: object) -> None:
    assert source.parse_currencies({"tether": item}, ["eur"], "usd", NOW) == []


def test_a_tick_keeps_the_market_caps_that_were_told(world: World) -> None:
    world.tick()
    caps = store.load_market_caps("usd", time.time())
    assert {caps["bitcoin"], caps["stellar"]} == {Decimal("1253000000000.5")}
    assert store.load_market_caps("eur", time.time()) == {}
    assert store.load_market_caps("usd", time.time() + 3700) == {}


def test_a_market_cap_that_is_not_known_is_nothing_there_and_left_out() -> None:
    body = {name: {"usd": Decimal(1), "usd_market_cap": cap} for name, cap in (("a", Decimal(5)), ("b", Decimal(0)))}
    assert source.parse_market_caps({**body, "c": {}}, "usd") == {"a": Decimal(5)}
