"""
How numbers are written for people: one table of rules, which this module and `js/numbers.js` both follow.

    price        shown with
    where they are four significant digits or more: the decimals of the currency (from 10 in USD, from 1 in KWD); one
    that has none (JPY, KRW) is written without from 1 on
    >= 10        2 decimals
    >= 0.1       4
    >= 0.01      5
    >= 0.00001   8
    below        0.0, the number of repeated zeros as a subscript, and 4 significant digits

Both are tested against the cases of `tests/data/number_cases.json`. Halves are rounded away from zero.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from rates.currencies import decimals
from rates.types import round_places

# Decimals of a price too small for plain decimals.
TINY = -1
STEPS = ((Decimal(10), 2), (Decimal("0.1"), 4), (Decimal("0.01"), 5), (Decimal("0.00001"), 8))
TINY_DIGITS = 4
# Between a number and a currency's code.
NO_BREAK = "\N{NO-BREAK SPACE}"
# What is least written with just the decimals of its currency has this many significant digits, if there are decimals.
OWN_DIGITS = 4
# Signs of currencies; any other is written as its code.
SIGNS = {
    "usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹", "krw": "₩", "try": "₺", "btc": "₿", "sats": "sats",
    "bits": "bits",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PriceText:
    """
    A price as it is shown: *lead*, and for a tiny price *zeros* (how often the last 0 of *lead* repeats) and *digits*.

    Attributes:
        full: the same without a subscript, for screen readers.
    """

    lead: str
    zeros: int | None
    digits: str
    full: str


def decimals_for(price: Decimal, own: int = 2) -> int:
    """Return how many decimals *price* is shown with in a currency of *own* ones; `TINY`: it needs a subscript."""
    if abs(price) >= Decimal(1).scaleb(OWN_DIGITS - 1 - own if own else 0):
        return own
    return next((places for least, places in STEPS if abs(price) >= least), TINY)


def format_number(value: Decimal, places: int) -> str:
    """Return *value* with *places* decimals and the language's separators."""
    rounded = round_places(value, places, ROUND_HALF_UP)
    return number_format(rounded, places, use_l10n=True, force_grouping=True)


def format_exact(price: Decimal) -> str:
    """Return *price* with every digit that it has."""
    return format_number(price, max(0, -int(price.as_tuple().exponent)))


def format_price(price: Decimal, places: int | None = None) -> PriceText:
    """Return *price* with the decimals of its size, or with *places*."""
    places = decimals_for(price) if places is None else places
    if places == TINY and price:
        return _tiny(price)
    text = format_number(price, STEPS[-1][1] if places == TINY else places)
    return PriceText(text, None, "", text)


def _tiny(price: Decimal) -> PriceText:
    places = TINY_DIGITS - 1 - price.adjusted()
    rounded = round_places(price, places, ROUND_HALF_UP)
    zeros = -rounded.adjusted() - 1
    if zeros < 2:
        text = format_number(price, STEPS[-1][1])
        return PriceText(text, None, "", text)
    digits = str(rounded.scaleb(zeros + TINY_DIGITS).to_integral_value(ROUND_HALF_UP))
    return PriceText(format_number(Decimal(0), 1), zeros, digits, format_number(rounded, zeros + TINY_DIGITS))


def format_amount(amount: Decimal, places: int) -> PriceText:
    """Return by how much a price moved, with its sign and the price's *places*; without any, with those of its size."""
    text = format_price(abs(amount), places or (decimals_for(amount, places) if amount else 0))
    sign = "+" if amount > 0 else "−" if amount < 0 else ""
    return replace(text, lead=sign + text.lead, full=sign + text.full)


def direction(change: Decimal | None) -> str:
    """Return `up`, `down` or `flat`: the direction of *change* (percent) after rounding."""
    rounded = round_places(change or Decimal(0), 2, ROUND_HALF_UP)
    return "up" if rounded > 0 else "down" if rounded < 0 else "flat"


def format_percent(change: Decimal) -> str:
    """Return *change* as `+1.24%`, `−1.87%` or `0.00%`."""
    return {"up": "+", "down": "−", "flat": ""}[direction(change)] + format_share(abs(change))


def format_share(share: Decimal) -> str:
    """Return *share* (percent) as `1.24%`, without a direction."""
    # Translators: a percentage; some languages put a space before the sign.
    return _("{number}%").format(number=format_number(share, 2))


def format_duration(seconds: float) -> str:
    """Return *seconds* in one unit: `42 s`, `5 min`, `3 h`, `2 d`."""
    whole = max(0, int(seconds))
    for size, unit in ((86400, _("{n} d")), (3600, _("{n} h")), (60, _("{n} min"))):
        if whole >= size:
            return unit.format(n=whole // size)
    return _("{n} s").format(n=whole)


def affixes(currency: str) -> tuple[str, str]:
    """Return what the language writes before and after a number in *currency*; one of the two is empty."""
    sign = SIGNS.get(currency, currency.upper())
    # Translators: an amount of money; the sign is where the language puts it.
    before, __, after = _("{sign}{number}").format(sign=sign, number="\0").partition("\0")
    return before + NO_BREAK if before.isalpha() else before, after


def money(price: Decimal, currency: str, places: int | None = None) -> str:
    """Return *price* with the sign of *currency*, and the decimals of its size or *places*."""
    places = decimals_for(price, decimals(currency)) if places is None else places
    return in_unit(format_price(price, places).full, currency)


def in_unit(text: str, currency: str) -> str:
    """Return *text*, a number, with the sign of *currency*."""
    before, after = affixes(currency)
    return before + text + after
