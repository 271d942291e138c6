"""Coins that a source has no price for: why, where the answer tells; in the log once, and beside the coin."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from rates import feed, store
from rates.exceptions import SourceEmpty
from rates.models import Coin
from rates.sources import coingecko as source
from rates.telemetry.absences import LOG_INTERVAL, AbsenceLog, absence_log
from rates.types import Rates
from tests.coins import pairs
from tests.stand_ins.coingecko import CoinGecko
from tests.world import World, shown

pytestmark = pytest.mark.django_db(transaction=True)
COINS = [Coin(symbol=symbol, coingecko_id=coin_id) for symbol, coin_id in (("BTC", "bitcoin"), ("XLM", "stellar"))]
RENAMED = "no coin has the id old-name: renamed or removed?"


@pytest.fixture(autouse=True)
def nothing_said() -> None:
    """Forget what the log said in the test before."""
    absence_log._said.clear()
    absence_log._logged_at.clear()


@pytest.fixture
def odd(world: World) -> World:
    """A third coin, whose id CoinGecko has renamed."""
    Coin.objects.create(symbol="OLD", name="Old", coingecko_id="old-name")
    return world


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"tether": {"usd": 1}}, "no coin has the id bitcoin: renamed or removed?"),
        ({"tether": {}, "bitcoin": {}}, "no prices in usd"),
        ({"tether": {"last_updated_at": 1}, "bitcoin": {"last_updated_at": 1}}, "no prices in usd"),
        ({"tether": {"usd": 1}, "bitcoin": {}}, "bitcoin has no price there: not traded any more?"),
        ({"tether": {"usd": 1}, "bitcoin": {"usd": None}}, "bitcoin has no price there: not traded any more?"),
        ({"bitcoin": {"last_updated_at": 1}}, "bitcoin has no price there: not traded any more?"),
        ({"tether": {"usd": 1}, "bitcoin": {"usd": -5}}, "the price of bitcoin is not a usable number"),
    ],
)
def test_the_answer_tells_why_there_is_no_price(body: dict[str, object], reason: str) -> None:
    assert source.explain_absence(body, "bitcoin") == reason


def test_an_answer_without_any_price_is_a_failure_with_its_reason(coingecko: CoinGecko, settings: Settings) -> None:
    settings.QUOTE_CURRENCY = "zar"
    with pytest.raises(SourceEmpty, match=r"an answer without any price \(no prices in zar\)"):
        source.fetch_rates(COINS, 5)


def test_the_answer_is_a_failure_of_the_source_and_pauses_nothing(world: World, settings: Settings) -> None:
    world.tick(2)
    world.misbehave({"coingecko": "empty_object"})
    before = world.stand_ins["coingecko"].calls
    assert world.tick(9)["source"] == "binance"
    assert world.stand_ins["coingecko"].calls == before + 9
    assert "an answer without any price" in store.load_healths()["coingecko"]["error"]
    world.misbehave({})
    assert world.tick(2)["source"] == "coingecko"


def test_one_odd_coin_is_no_failure_of_the_source(odd: World) -> None:
    odd.tick(8)
    health = store.load_healths()["coingecko"]
    assert (health["error"], health["failures"], health["paused_until"]) == ("", 0, 0)
    assert (shown("BTC")["source"], shown("OLD")["price"]) == ("coingecko", None)


def test_the_reason_is_in_the_log_once_and_beside_the_coin(
    odd: World, admin_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    odd.tick(6)
    assert caplog.text.count(f"coingecko: no price for OLD ({RENAMED})") == 1
    for page in ("changelist", "system"):
        said = admin_client.get(reverse(f"admin:rates_coin_{page}")).content.decode()
        assert f"coingecko: {RENAMED}" in said
    Coin.objects.filter(symbol="OLD").update(coingecko_id="ethereum")
    odd.tick()
    said = admin_client.get(reverse("admin:rates_coin_changelist")).content.decode()
    assert "renamed or removed" not in said


def test_a_pair_that_an_exchange_does_not_have_is_named_beside_the_coin(world: World) -> None:
    Coin.objects.create(symbol="NOPE", name="Nope", coingecko_id="ethereum", **pairs("NOPE"))
    world.tick(2)
    assert store.load_states()["NOPE"].absent == {
        "binance": "no pair NOPEUSDT, or it is not traded",
        "kraken": "no pair NOPE/USD, or it is not traded",
    }


def test_a_price_that_comes_again_ends_what_was_said(world: World) -> None:
    world.misbehave({"coingecko": "missing"}, "XLM")
    world.tick()
    assert store.load_states()["XLM"].absent.keys() == {"coingecko"}
    world.misbehave({})
    world.tick()
    assert store.load_states()["XLM"].absent == {}


def test_an_answer_that_is_about_another_pair_by_now_says_nothing(world: World) -> None:
    Coin.objects.filter(symbol="XLM").update(kraken_symbol="NOPE/USD")
    world.tick()
    assert "kraken" in store.load_states()["XLM"].absent
    Coin.objects.filter(symbol="XLM").update(kraken_symbol="XLM/USD")
    feed.publish_coins()
    assert "kraken" not in store.load_states()["XLM"].absent


def test_a_minute_has_one_line_of_each_source(caplog: pytest.LogCaptureFixture) -> None:
    log = AbsenceLog()
    for number in range(30):
        log.note("coingecko", Rates(absent={f"C{n}": "no such coin" for n in range(number)}))
    log.note("binance", Rates(absent={"C1": "no pair"}))
    assert [record.message for record in caplog.records] == [
        "coingecko: no price for C0 (no such coin)",
        "binance: no price for C1 (no pair)",
    ]
    log._logged_at["coingecko"] -= LOG_INTERVAL
    log.note("coingecko", Rates(absent={f"C{n}": "no such coin" for n in range(30)}))
    assert caplog.records[-1].message.endswith("C10 (no such coin) and 19 more")
    assert len(caplog.records) == 3
