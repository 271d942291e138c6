"""
Whether a pair that staff enter is the coin: its price is compared with the one that is asked for by the coin's id.

    within RATES_AGREEMENT_PCT     verified
    within RATES_MAX_JUMP_PCT      saved when staff vouch for it
    further away                   refused, unless the pair was saved before and staff vouch for it: CoinGecko may err
    nobody can tell now            saved; not shown until its price agrees, or staff vouch for it

Tested in `tests/admin/test_pairs.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rates.admin.inspection import Finding, inspect_coins
from rates.admin.reasons import translate_reason
from rates.models import Coin
from rates.sources.registry import POLL_SOURCES
from rates.types import percent_text

EXCHANGES = {"binance": "Binance", "kraken": "Kraken"}


UNCHECKED = _(
    "%(pair)s could not be verified (%(why)s): it counts when its price agrees with CoinGecko's, or you vouch for it."
)
UNCHECKED_VOUCHED = _("%(pair)s could not be verified (%(why)s); it counts because you vouch for it.")
ANOTHER_COIN = _(
    "%(pair)s is a different coin: its price on %(exchange)s differs from this coin's at CoinGecko by %(distance)s %%."
)
DISTANT = _(
    "The price of %(pair)s differs from this coin's at CoinGecko by %(distance)s %%. "
    "Choose another pair, or vouch for this one to save it anyway."
)
DISTANT_VOUCHED = _(
    "The price of %(pair)s differs from this coin's at CoinGecko by %(distance)s %%; it counts, as you vouch for it."
)


class Check(NamedTuple):
    """
    What is to be said about a pair, and what becomes of it.

    Attributes:
        verified: it counts from now on.
        warning: what staff are told; empty when there is nothing to say.
    """

    verified: bool
    warning: str = ""


def check_pairs(coin: Coin, exchanges: Collection[str]) -> list[Finding]:
    """Return what the sources say now about the pairs of *coin* on *exchanges*; they are asked once, all together."""
    return check_all_pairs([(coin, exchanges)])[0]


def check_all_pairs(wanted: Sequence[tuple[Coin, Collection[str]]]) -> list[list[Finding]]:
    """Return the same for several coins, each with its exchanges; each source is asked once about all of them."""
    asked = [[name for name in exchanges if name in coin.pairs] for coin, exchanges in wanted]
    used = {name for names in asked for name in names if name in (*settings.RATES_SOURCES, *settings.RATES_STREAM)}
    by_id = [name for name in settings.RATES_SOURCES if name in POLL_SOURCES and POLL_SOURCES[name].BY_ID]
    coins = [coin for coin, _exchanges in wanted]
    found = inspect_coins(coins, [*by_id, *sorted(used)]) if used and by_id else [[] for _coin in coins]
    return [
        _choose(coin, names, used, by_id, {f.source: f for f in findings})
        for coin, names, findings in zip(coins, asked, found, strict=True)
    ]


def _choose(
    coin: Coin, asked: Sequence[str], used: Collection[str], by_id: Sequence[str], findings: Mapping[str, Finding]
) -> list[Finding]:
    known = [findings[name] for name in by_id if name in findings]
    return [
        findings[name] if name in findings and _has_price(known) else _not_compared(coin, name, used, known)
        for name in asked
    ]


def _has_price(known: Sequence[Finding]) -> bool:
    return any(finding.price is not None for finding in known)


def _not_compared(coin: Coin, name: str, used: Collection[str], known: Sequence[Finding]) -> Finding:
    """Return why the pair of the exchange *name* can be compared with nothing."""
    if name not in used:
        problem = gettext("%s is not in use") % EXCHANGES[name]
    else:
        problem = known[0].problem if known else gettext("no source in use is asked by id")
    return Finding(name, coin.pairs[name].key, None, problem)


def judge_pair(finding: Finding, *, is_new: bool, is_vouched: bool) -> Check:
    """
    Return what becomes of a pair: one that *is_new* to the coin, or one that was saved before and *is_vouched* for.

    Raises:
        ValidationError: when it must not be saved, or not unless staff vouch for it; with the distance.
    """
    pair, distance = {"pair": finding.asked, "exchange": EXCHANGES[finding.source]}, finding.distance_pct
    if distance is None:
        words = UNCHECKED_VOUCHED if is_vouched else UNCHECKED
        return Check(verified=is_vouched, warning=words % (pair | {"why": translate_reason(finding.problem)}))
    if distance <= settings.RATES_AGREEMENT_PCT:
        return Check(verified=True)
    pair |= {"distance": percent_text(distance)}
    if distance > settings.RATES_MAX_JUMP_PCT and is_new:
        raise ValidationError(ANOTHER_COIN, code="another_coin", params=pair)
    if not is_vouched:
        raise ValidationError(DISTANT, code="distant", params=pair)
    return Check(verified=True, warning=DISTANT_VOUCHED % pair)
