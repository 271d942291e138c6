"""
What each source returns for one coin right now, for staff who set it up; the board is not touched.

Tested in `tests/admin/test_pairs.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from django.conf import settings

from rates.exceptions import RatesError
from rates.judgement.conversion import convert
from rates.judgement.readings import distance_pct
from rates.judgement.rules import read_rules
from rates.models import FACTORS, Coin
from rates.sources.registry import POLL_SOURCES
from rates.sources.staff_lookup import call_source
from rates.types import USDT_PAIR, Rate, Target, round_places

TIMEOUT = 4.0

Answers = Mapping[str, list[Rate] | RatesError]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What one source returned for a coin.

    Attributes:
        asked: what the source was asked for: an id or a pair.
        price: of one coin, in the quote currency; None without one, and `problem` then says why.
        distance_pct: from the price that was asked for by id, or else from the first; None where there are not two.
    """

    source: str
    asked: str
    price: Decimal | None
    problem: str
    distance_pct: Decimal | None = None


def inspect_coin(coin: Coin, sources: Sequence[str] | None = None) -> list[Finding]:
    """Query *sources* (by default all that are in use, in their order) for *coin*, in parallel."""
    return inspect_coins([coin], sources)[0]


def inspect_coins(coins: Sequence[Coin], sources: Sequence[str] | None = None) -> list[list[Finding]]:
    """Return the findings about each of *coins*; each source is asked once about all of them."""
    names = [name for name in sources or settings.RATES_SOURCES if name in POLL_SOURCES]
    with ThreadPoolExecutor(max(1, len(names))) as threads:
        answers: Answers = dict(zip(names, threads.map(partial(_query, coins), names), strict=True))
    worth = _find_usdt(answers)
    return [compare([_find(coin, name, answer, worth) for name, answer in answers.items()]) for coin in coins]


def _query(coins: Sequence[Coin], name: str) -> list[Rate] | RatesError:
    source = POLL_SOURCES[name]
    asked = [coin for coin in coins if source.BY_ID or name in coin.pairs]
    if not asked:
        return []
    try:
        return call_source(source, source.count_calls(asked), partial(source.fetch_rates, asked, TIMEOUT))
    except RatesError as error:
        return error


def _find_usdt(answers: Answers) -> Decimal | None:
    """Return what a USDT is worth by one of *answers*; None when none of them says so."""
    rates = [rate for answer in answers.values() if not isinstance(answer, RatesError) for rate in answer]
    return next((rate.price for rate in rates if rate.symbol == USDT_PAIR), None)


def _find(coin: Coin, name: str, answer: list[Rate] | RatesError, worth: Decimal | None) -> Finding:
    pair = coin.pairs.get(name)
    if pair is None and not POLL_SOURCES[name].BY_ID:
        return Finding(name, "", None, "no pair")
    asked = pair.key if pair else coin.coingecko_id
    if isinstance(answer, RatesError):
        return Finding(name, asked, None, str(answer))
    rate = next((rate for rate in answer if rate.symbol == coin.symbol), None)
    if rate is None:
        return Finding(name, asked, None, f"{name} has no price for {asked}")
    if POLL_SOURCES[name].QUOTE is None:
        return Finding(name, asked, rate.price, "")
    if worth is None and not read_rules().usdt_is_near:
        return Finding(name, asked, None, f"{name}'s price is in USDT, and what that is worth is not known")
    return Finding(name, asked, convert(rate, worth).price, "")


def compare(findings: Sequence[Finding]) -> list[Finding]:
    """Return *findings* with their distance from the price that was asked for by id, or else from the first one."""
    priced = [finding for finding in findings if finding.price is not None]
    known = next((f for f in priced if POLL_SOURCES[f.source].BY_ID), priced[0] if priced else None)
    return [
        replace(f, distance_pct=round_places(distance_pct(f.price, known.price), 2))
        if f.price is not None and known is not None and known.price is not None and f is not known
        else f
        for f in findings
    ]


def is_another_coin(findings: Iterable[Finding]) -> bool:
    """Return whether two prices are so far apart that they cannot be those of the same coin."""
    return any(f.distance_pct is not None and f.distance_pct > settings.RATES_MAX_JUMP_PCT for f in findings)


def find_factors(findings: Sequence[Finding]) -> dict[str, int]:
    """Return for each pair among *findings* how many coins are one unit of it, where the prices tell: 1000 for SATS."""
    coin = next((f.price for f in findings if f.price is not None and POLL_SOURCES[f.source].BY_ID), None)
    if coin is None:
        return {}
    pairs = {f.source: f.price for f in findings if f.price is not None and not POLL_SOURCES[f.source].BY_ID}
    agreement = read_rules().agreement_pct
    return {
        source: factor
        for source, price in pairs.items()
        for factor in FACTORS
        if distance_pct(Target("", factor).price(price), coin) <= agreement
    }


def divide(finding: Finding, factor: int) -> Finding:
    """Return *finding* for a pair in units of *factor* coins, which was asked for as one in units of a coin."""
    if finding.price is None or factor == 1:
        return finding
    return replace(finding, asked=f"{finding.asked}/{factor}", price=Target("", factor).price(finding.price))
