"""The table of who owns a coin's price, and how far it is trusted."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from rates.judgement.ownership import Verdict, accept, decide
from rates.judgement.readings import update_readings
from rates.types import CoinState, Reading
from tests.judgement.samples import NOW, RULES, rate, reading, state


def judge(state: CoinState, factor: Decimal | None = Decimal(1)) -> Verdict:
    return decide(state, {"binance": factor}, NOW, RULES)


@dataclass
class Case:
    claim: str
    readings: list[Reading]
    source: str
    price: str
    disputed: bool = False
    stale: bool = False
    confirmed_by: tuple[str, ...] = ()
    good: str | None = "100"
    owner: str | None = "coingecko"
    factor: Decimal | None = field(default_factory=lambda: Decimal(1))


FROZEN = reading("coingecko", "100", anchors={"binance": Decimal(100)})
CASES = [
    Case("a lone source shows", [reading("coingecko", "101")], "coingecko", "101"),
    Case("the first price of all shows", [reading("kraken", "7")], "kraken", "7", good=None, owner=None),
    Case("the best rank shows, the other confirms",
         [reading("binance", "100.5"), reading("coingecko", "101")], "coingecko", "101", confirmed_by=("binance",)),
    Case("a live stream ranks before the polls",
         [reading("kraken", "100.5", live=True), reading("coingecko", "101")],
         "kraken", "100.5", confirmed_by=("coingecko",)),
    Case("a backup takes a stale owner's coin",
         [reading("coingecko", "100", age=16), reading("kraken", "101")], "kraken", "101"),
    Case("an owner that comes back waits for its second reading",
         [reading("coingecko", "101", streak=1), reading("kraken", "100.5")],
         "kraken", "100.5", owner="kraken", confirmed_by=("coingecko",)),
    Case("an owner that is back for two readings has its coin again",
         [reading("coingecko", "101"), reading("kraken", "100.5")],
         "coingecko", "101", owner="kraken", confirmed_by=("kraken",)),
    Case("nobody fresh: the last price stays, with its age",
         [reading("coingecko", "101", age=16)], "coingecko", "100"),
    Case("one of two is 10x wrong: the one near the last good price shows",
         [reading("coingecko", "1000"), reading("binance", "100.2")], "binance", "100.2", disputed=True),
    Case("and the other way round",
         [reading("coingecko", "100.1"), reading("binance", "1000")], "coingecko", "100.1", disputed=True),
    Case("one of two is 5 % low",
         [reading("coingecko", "95"), reading("binance", "100.2")], "binance", "100.2", disputed=True),
    Case("a lone source departs from what another one has just said",
         [reading("kraken", "95"), reading("coingecko", "100", age=50)], "kraken", "95", disputed=True),
    Case("and is believed when that was long ago",
         [reading("kraken", "95"), reading("coingecko", "100", age=95)], "kraken", "95"),
    Case("streams depart together from what a poll has just said",
         [reading("binance", "95", live=True), reading("kraken", "95", live=True), reading("coingecko", "100", age=50)],
         "binance", "95", disputed=True, confirmed_by=("kraken",)),
    Case("and are believed when a poll confirms it",
         [reading("binance", "95", live=True), reading("kraken", "95"), reading("coingecko", "100", age=50)],
         "binance", "95", confirmed_by=("kraken",)),
    Case("one of three is 10x wrong: the two that agree show, unmarked",
         [reading("coingecko", "1000"), reading("binance", "100.2"), reading("kraken", "100.3")],
         "binance", "100.2", confirmed_by=("kraken",)),
    Case("two of three are 5 % low together: shown, but marked",
         [reading("coingecko", "100"), reading("binance", "95"), reading("kraken", "95.1")],
         "binance", "95", disputed=True, confirmed_by=("kraken",)),
    Case("a crash that two sources see shows at once",
         [reading("coingecko", "50"), reading("kraken", "50.2")], "coingecko", "50", confirmed_by=("kraken",)),
    Case("a lone source's jump is held",
         [reading("coingecko", "1000")], "coingecko", "100", disputed=True),
    Case("two far from each other and from the last good price: it stays",
         [reading("coingecko", "200"), reading("kraken", "50")], "coingecko", "100", disputed=True),
    Case("without any good price two that differ show the better-ranked, marked",
         [reading("coingecko", "200"), reading("kraken", "50")],
         "coingecko", "200", disputed=True, good=None, owner=None),
    Case("a frozen source is out although it answers",
         [FROZEN, reading("binance", "97")], "binance", "97"),
    Case("two frozen sources are out too, but may be right: the one that moved away is marked",
         [FROZEN, reading("kraken", "100.1", anchors={"binance": Decimal(100)}), reading("binance", "97")],
         "binance", "97", disputed=True),
    Case("the other has jumped, and is measured from there: a jump proves nothing against an unchanged price",
         [replace(FROZEN, anchors={"binance": Decimal(1000)}), reading("binance", "1000")],
         "coingecko", "100", disputed=True),
    Case("the other has come back: nothing is frozen",
         [replace(FROZEN, anchors={"binance": Decimal("102.5")}), reading("binance", "100")],
         "coingecko", "100", confirmed_by=("binance",)),
    Case("the number in USDT has moved, but what it is worth is still near: nothing is frozen",
         [FROZEN, reading("binance", "109")],
         "coingecko", "100", confirmed_by=("binance",), factor=Decimal("0.93")),
    Case("the number in USDT is the same, but what it is worth has moved away",
         [replace(FROZEN, anchors={"binance": Decimal("107.5")}), reading("binance", "100")],
         "binance", "93.0000", good="93", factor=Decimal("0.93")),
    Case("three in a row: the best-ranked end shows as well as the middle",
         [reading("coingecko", "100"), reading("binance", "101.2"), reading("kraken", "102.1")],
         "coingecko", "100", confirmed_by=("binance",)),
    Case("a source whose clock went back is out",
         [replace(reading("coingecko", "101"), refused="its clock went back"), reading("kraken", "100.5")],
         "kraken", "100.5"),
    Case("USDT is not USD: a measured factor converts",
         [reading("binance", "105.26")], "binance", "99.9970", factor=Decimal("0.95")),
    Case("an unconverted price ranks last and does not confirm",
         [reading("binance", "100.5", live=True), reading("kraken", "101")], "kraken", "101", factor=None),
    Case("an unconverted price alone is marked",
         [reading("binance", "100.5")], "binance", "100.5", disputed=True, factor=None),
]  # fmt: skip


def test_a_price_in_usdt_says_nothing_about_euros_while_nobody_has_measured_one() -> None:
    before = state(reading("binance", "100"), good=None, owner=None)
    assert decide(before, {"binance": None}, NOW, RULES).state.shown is not None
    assert decide(before, {"binance": None}, NOW, replace(RULES, usdt_is_near=False)).state.shown is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_who_owns_the_price(case: Case) -> None:
    verdict = judge(state(*case.readings, good=case.good, owner=case.owner), case.factor)
    shown = verdict.state.shown
    assert shown is not None
    assert (shown.source, str(shown.price)) == (case.source, case.price)
    assert verdict.state.disputed is case.disputed
    assert verdict.confirmed_by == case.confirmed_by


def test_three_readings_with_advancing_timestamps_release_a_jump_but_it_stays_disputed() -> None:
    now = state(reading("coingecko", "1000"))
    shown = []
    for seconds in (8, 8, 4, 0):
        new = Reading(rate("coingecko", "1000", observed_age=seconds), streak=2)
        now = judge(replace(now, readings={"coingecko": new})).state
        assert now.shown is not None
        shown.append((str(now.shown.price), now.disputed))
    assert shown == [("100", True), ("100", True), ("100", True), ("1000", True)]


def test_time_alone_never_releases_a_jump() -> None:
    now = state(reading("coingecko", "1000"))
    for _ in range(50):
        now = judge(now).state
    assert now.shown is not None
    assert now.shown.price == 100


def test_a_spike_of_one_tick_never_shows() -> None:
    spike = judge(state(reading("coingecko", "100000"))).state
    after = judge(replace(spike, readings={"coingecko": reading("coingecko", "100.4")}))
    assert after.state.shown is not None
    assert (str(after.state.shown.price), after.state.disputed, after.state.held) == ("100.4", False, None)


def test_staff_release_a_held_price() -> None:
    held = judge(state(reading("coingecko", "1000"))).state
    released = judge(accept(held))
    assert released.state.shown is not None
    assert (released.state.shown.price, released.state.disputed) == (1000, False)


def test_a_dispute_lasts_until_the_sources_agree() -> None:
    both = state(reading("coingecko", "95"), reading("kraken", "100"))
    disputed = judge(both).state
    assert judge(disputed).state.disputed
    agreed = replace(disputed, readings={"coingecko": reading("coingecko", "95"), "kraken": reading("kraken", "95.2")})
    assert not judge(agreed).state.disputed


def test_a_stale_price_is_stale_whatever_else_happens() -> None:
    old = replace(state(), shown=rate("coingecko", "100", age=16))
    assert judge(old).stale


def test_one_jump_is_held_where_the_band_of_agreement_is_wider_than_a_jump() -> None:
    rules = replace(RULES, agreement_pct=Decimal(12))
    verdict = decide(state(reading("coingecko", "111.9")), {}, NOW, rules)
    assert verdict.state.shown is not None
    assert (verdict.state.shown.price, verdict.state.disputed) == (100, True)


def test_a_lone_price_whose_conversion_is_disputed_is_disputed() -> None:
    factors, alone = {"binance": Decimal(1)}, state(reading("binance", "100"))
    assert not decide(alone, factors, NOW, RULES).state.disputed
    assert decide(alone, factors, NOW, RULES, doubted=factors).state.disputed
    confirmed = state(reading("binance", "100"), reading("kraken", "100.2"))
    assert not decide(confirmed, factors, NOW, RULES, doubted=factors).state.disputed


def test_wrong_prices_stay_marked_while_the_market_moves_away_from_them() -> None:
    """Two of three are 5 % low; the market rises until their prices lie where the good price was."""
    now = state(good="100")
    for truth in ("100", "101.5", "103", "104.5", "106"):
        low = str(Decimal(truth) * Decimal("0.95"))
        readings = (reading("coingecko", truth), reading("binance", low), reading("kraken", low))
        now = judge(replace(now, readings={r.rate.source: r for r in readings})).state
        assert now.disputed


def test_a_price_that_may_not_be_shown_still_contradicts() -> None:
    """CoinGecko is 3 % low, Binance is right but cannot be converted: CoinGecko shows, marked."""
    verdict = judge(state(reading("coingecko", "97"), reading("binance", "100.1")), factor=None)
    assert verdict.state.shown is not None
    assert (verdict.state.shown.source, verdict.state.disputed, verdict.state.good) == ("coingecko", True, Decimal(100))


def test_an_answer_of_an_hour_ago_is_refused_but_better_than_nothing() -> None:
    old = update_readings({}, [rate("coingecko", "100", observed_age=3600)], False, RULES)["coingecko"]
    assert old.refused == "its price is 60 minutes old"
    verdict = judge(CoinState(readings={"coingecko": old}))
    assert verdict.state.shown is not None
    assert verdict.stale


def follow(now: CoinState, *moments: tuple[Reading, ...]) -> CoinState:
    """Return the state after each of *moments*, the readings that are there then."""
    for readings in moments:
        now = judge(replace(now, readings=now.readings | {r.rate.source: r for r in readings})).state
    return now


def silent(reading: Reading, age: float = 3600) -> Reading:
    return replace(reading, rate=replace(reading.rate, received_at=NOW - timedelta(seconds=age)))


@pytest.mark.parametrize("good", ["100", None])
def test_a_dispute_does_not_end_because_the_other_side_falls_silent(good: str | None) -> None:
    wrong, right = reading("kraken", "90.1", live=True), reading("coingecko", "100")
    now = follow(state(good=good, owner=good and "coingecko"), (wrong, right), (wrong, silent(right)))
    assert now.disputed
    assert follow(now, *[(wrong,)] * 5).disputed


def test_two_that_agree_do_not_end_it_either_while_the_third_is_silent() -> None:
    two = reading("binance", "95"), reading("kraken", "95.1")
    third = reading("coingecko", "100")
    now = follow(state(), (*two, third), (*two, silent(third)))
    assert now.disputed
    assert not follow(now, (*two, reading("coingecko", "95.2"))).disputed


def test_a_dispute_ends_when_who_spoke_against_the_price_agrees_again() -> None:
    now = follow(
        state(),
        (reading("coingecko", "95"), reading("kraken", "100")),
        (reading("coingecko", "100"), silent(reading("kraken", "100"))),
    )
    assert (now.disputed, now.dissenters) == (False, frozenset())


def test_who_is_not_in_use_any_more_keeps_no_dispute_alive() -> None:
    disputed = follow(state(), (reading("coingecko", "95"), reading("kraken", "100")))
    gone = replace(disputed, readings={"kraken": reading("kraken", "100")})
    assert not judge(gone).state.disputed
    rules = replace(RULES, polls=("kraken",), streams=())
    left = replace(
        disputed, readings={"kraken": reading("kraken", "100"), "coingecko": silent(reading("coingecko", "95"))}
    )
    assert not decide(left, {}, NOW, rules).state.disputed


def test_staff_end_a_dispute_with_a_silent_source() -> None:
    wrong, right = reading("kraken", "90.1"), reading("coingecko", "100")
    now = follow(state(), (wrong, right), (wrong, silent(right)))
    released = judge(accept(now)).state
    assert (released.disputed, released.dissenters) == (False, frozenset())


def test_where_no_price_was_ever_good_what_shows_is_what_a_jump_is_measured_from() -> None:
    apart = reading("coingecko", "100"), reading("kraken", "102.3")
    now = follow(CoinState(), apart, (reading("coingecko", "150"), reading("kraken", "102.3")))
    assert now.shown is not None
    assert (str(now.shown.price), now.disputed) == ("102.3", True)
    alone = follow(CoinState(), (reading("coingecko", "100", streak=1),), (reading("coingecko", "150"),))
    assert alone.shown is not None
    assert (str(alone.shown.price), alone.disputed) == ("100", True)


def test_a_jump_from_a_price_that_was_never_good_stays_in_dispute_when_it_is_released() -> None:
    now = follow(CoinState(), (reading("coingecko", "100", streak=1),))
    for seconds in (8, 6, 4, 2, 0):
        now = follow(now, (Reading(rate("coingecko", "150", observed_age=seconds), streak=2),))
    assert now.shown is not None
    assert (str(now.shown.price), now.disputed) == ("150", True)


def test_the_first_price_is_good_when_it_has_stood_or_a_second_source_agrees() -> None:
    first = follow(CoinState(), (reading("coingecko", "100", streak=1),))
    assert (first.disputed, first.good) == (False, None)
    assert follow(first, (reading("coingecko", "100", streak=3),)).good == 100
    assert follow(first, (reading("kraken", "100.5", streak=1),)).good == 100
