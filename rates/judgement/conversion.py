"""
What a unit of a source's quote currency is worth, and prices converted into `QUOTE_CURRENCY`.

A source declares the currency of its prices (`QUOTE` in `rates.sources.protocols`). What a unit of it is worth is
measured by the other sources, and judged like a coin, under the name of its pair:

    QUOTE    measured by rates of    state under
    usdt     USDT/USD                USDT/USD

Prices in a quote that nobody has measured are only shown when there are no others, and then as disputed.
"""

from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings
from msgspec.structs import replace

from rates.judgement.readings import EVIDENCE_AGE
from rates.judgement.rules import Rules
from rates.types import USDT_PAIR, CoinState, Rate, decimal_text, round_places

ZERO = Decimal(0)
QUOTE_PAIRS = {"usdt": USDT_PAIR}
# Percent: a USDT/USD further than this from 1 is an alarm.
DEPEG_ALARM_PCT = Decimal("0.5")
# Percent: a lone source's USDT/USD that jumps further is held; coins move like this daily, USDT once in years.
PAIR_JUMP_PCT = Decimal(1)

# What one unit of a source's quote currency is worth, by the source's name; None while nobody has measured it.
Factors = Mapping[str, Decimal | None]


def pair_rules(rules: Rules) -> Rules:
    """
    Return the rules by which a quote pair is judged.

    It is stale late: it moves little, and while streams deliver, few sources are asked for it.
    """
    long_lived = max(EVIDENCE_AGE, rules.stale_after)
    return replace(rules, stale_after=long_lived, agreement_pct=DEPEG_ALARM_PCT, max_jump_pct=PAIR_JUMP_PCT)


def unit_worth(pair: CoinState, stale: bool) -> Decimal | None:
    """Return what one unit is worth by the judged state of its *pair*: the last good price while it is disputed."""
    if pair.shown is None or stale:
        return None
    return pair.good if pair.disputed else pair.shown.price


def convert(rate: Rate, factor: Decimal | None) -> Rate:
    """Return *rate* in the quote currency; unchanged if its *factor* is not known."""
    if factor is None or factor == 1:
        return rate
    volume = rate.volume_24h and multiply(rate.volume_24h, factor)
    return replace(rate, price=multiply(rate.price, factor), volume_24h=volume)


def convert_price(price: Decimal, factor: Decimal) -> Decimal:
    """Return the *price* that `convert` would give a rate."""
    return price if factor == 1 else multiply(price, factor)


def multiply(amount: Decimal, factor: Decimal) -> Decimal:
    """Return the product, rounded to the precision of *amount*: the further digits mean nothing."""
    product = amount * factor
    # The exponent of zero is that of *amount*; `as_tuple` would first make a tuple of all of its digits.
    places = -(amount * ZERO).adjusted()
    return round_places(product, max(places, 5 - product.adjusted()))


def is_depegged(usdt: CoinState) -> bool:
    """Return whether USDT/USD is so far from 1 that staff should look; False where the quote currency is not usd."""
    if settings.QUOTE_CURRENCY != "usd" or usdt.shown is None:
        return False
    return abs(usdt.shown.price - 1) * 100 > DEPEG_ALARM_PCT


def depeg_notes(old: CoinState | None, new: CoinState | None) -> list[str]:
    """Return a line for the log if USDT/USD has left the band around 1, or has returned to it."""
    if new is None or new.shown is None or is_depegged(new) == (old is not None and is_depegged(old)):
        return []
    words = "more than" if is_depegged(new) else "again within"
    return [f"USDT is worth {decimal_text(new.shown.price)} USD: {words} {DEPEG_ALARM_PCT} % from 1"]
