"""
Acceptance of held and disputed prices, of coins and of what currencies are worth: staff accept what they have seen.

The confirmation page posts back, signed, which prices it has shown; another one that waits by then is not accepted.

Tested in `tests/admin/test_acceptance.py` and `tests/admin/test_coins.py`.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.signing import BadSignature, dumps, loads
from django.http import HttpRequest
from django.utils.translation import gettext as _

from rates.judgement.ownership import waiting_price
from rates.models import Coin
from rates.types import CoinState, decimal_text

SEEN_SALT = "rates.admin.seen"


class Waiting(NamedTuple):
    """A price that waits for somebody to accept it, of a coin or a pair, and the last *good* one."""

    symbol: str
    good: Decimal | None
    price: str


def find_waiting(symbols: Iterable[str], states: Mapping[str, CoinState]) -> list[Waiting]:
    """Return those of *symbols* whose price is disputed."""
    disputed = [(symbol, states[symbol]) for symbol in symbols if symbol in states and states[symbol].disputed]
    found = [(symbol, state, waiting_price(state)) for symbol, state in disputed]
    return [Waiting(symbol, state.good, decimal_text(price)) for symbol, state, price in found if price is not None]


def sign_seen(rows: Iterable[Waiting]) -> str:
    """Return what a page that shows *rows* posts back."""
    return dumps({row.symbol: row.price for row in rows}, salt=SEEN_SALT)


def read_seen(request: HttpRequest, symbols: Collection[str]) -> dict[str, Decimal]:
    """Return the prices that the confirmation page has shown of *symbols*; none before there was one."""
    try:
        seen = loads(request.POST.get("seen", ""), salt=SEEN_SALT)
    except BadSignature:
        return {}
    return {symbol: Decimal(seen[symbol]) for symbol in symbols if symbol in seen}


def describe_accepted(price: Decimal) -> str:
    """Return the line of the admin's history."""
    return _("Accepted the price %s.") % decimal_text(price)


def log_pair(request: HttpRequest, pair: str, price: Decimal) -> None:
    """Record in the admin's history who accepted *price* of *pair*, which is no object of the database."""
    LogEntry.objects.create(
        user_id=request.user.pk or 0,
        content_type=ContentType.objects.get_for_model(Coin),
        object_repr=pair,
        action_flag=CHANGE,
        change_message=describe_accepted(price),
    )
