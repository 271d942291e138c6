"""
What is wrong now, for the start page of the admin.

Tested in `tests/admin/test_start_page.py`.
"""

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from rates import publication, store
from rates.admin.coin_status import describe_coin, describe_sources, describe_worths
from rates.admin.reasons import translate_state
from rates.exceptions import StoreUnavailable
from rates.models import Coin
from rates.store import Overview

# States of coins and sources that somebody should look at, the worst first.
DOUBTFUL = ("no price", "disputed", "stale", "waiting for the first price")
FAILING = ("paused", "failing")
# Coins and currencies that one line names.
MOST_NAMED = 8


def find_problems() -> Iterator[str]:
    """Yield a line for each thing that is wrong now; none when all prices are fresh and all sources answer."""
    coins = list(Coin.objects.enabled())
    try:
        overview = store.load_overview([coin.symbol for coin in coins])
    except StoreUnavailable as error:
        yield str(error)
        return
    if not coins:
        yield _("No coin is enabled.")
    elif overview.snapshot is None:
        yield _("No board has been published yet.")
    elif publication.is_late(overview.snapshot):
        yield _("Nobody publishes prices: the board is of %s.") % overview.snapshot.as_of
    yield from _list_coins(coins, overview)
    for source in describe_sources(overview):
        if source.state in FAILING:
            yield f"{translate_state(source.state)}: {source.error or source.name}"


def _list_coins(coins: Iterable[Coin], overview: Overview) -> Iterator[str]:
    states = {worth.symbol: worth.state for worth in describe_worths(overview) if worth.state != "no price"}
    states = {coin.symbol: describe_coin(coin, overview).state for coin in coins} | states
    for doubtful in DOUBTFUL:
        named = [symbol for symbol, state in states.items() if state == doubtful]
        more = "" if len(named) <= MOST_NAMED else _(" and %d more") % (len(named) - MOST_NAMED)
        if named:
            yield f"{translate_state(doubtful)}: {', '.join(named[:MOST_NAMED])}{more}"
