"""
What changes the board: a tick, rates of the streams, an edit of the coin list, a price that staff accept.

Each of them ends in `_publish`: the next board is decided, stored and sent to every web process.

Tested in `tests/test_pipeline.py` and `tests/test_edits.py`.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from rates import store
from rates.central_bank import daily
from rates.exceptions import SourceError
from rates.history.day_stats import read_days
from rates.history.recorder import recorder
from rates.judgement import next_board
from rates.judgement.ownership import accept, is_waiting
from rates.judgement.rules import read_rules
from rates.models import Coin
from rates.polling import Poll
from rates.publication import publish
from rates.store import Change, Memory, Saved
from rates.store.coin_list import coin_list
from rates.types import Absence, OwnerChange, Rate, decimal_text

logger = logging.getLogger(__name__)

# Coins that one log line names.
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did: the answer of each source that was asked, and the publication."""

    answers: Mapping[str, list[Rate] | SourceError]
    saved: Saved


def run_tick() -> Tick:
    """
    Ask the sources that are due and publish the board.

    Raises:
        StoreUnavailable: when Redis cannot be reached; the board is then as it was.
    """
    # 1. What is known: the coin list, what the sources said before, and when each of them may be asked.
    coins = coin_list.read()
    poll = Poll(coins)
    # 2. The sources that are due are asked, all at once.
    poll.ask(poll.choose_due())
    # 3. The others are asked about the coins that would still be stale or in dispute.
    poll.ask(poll.choose_doubtful())
    poll.share()
    # 4. The answers are judged, and the board that they make is stored and sent.
    rates = [*poll.rates(), *daily.read_rates(poll.bank_file, datetime.now(UTC))]
    return Tick(poll.answers, _publish(partial(_revise, rates=rates, absent=poll.absences(), asked=coins)))


def publish_streamed(rates: Sequence[Rate], coins: Sequence[Coin]) -> Saved:
    """
    Put *rates* of the live streams on the board; publish only if a coin looks different after it.

    *coins* are those that the streams follow. Rates that repeat a known price confirm it: their `received_at` is when
    the stream last proved to be alive.

    Raises:
        StoreUnavailable: when Redis cannot be reached.
    """
    return _publish(partial(_revise, rates=rates, asked=coins, live=True, only_if_changed=True))


def publish_coins() -> Saved:
    """
    Publish the board of the coin list as it is now, with the rates that are known.

    Raises:
        StoreUnavailable: when Redis cannot be reached; the next tick publishes the list then.
    """
    return _publish(partial(_revise, rates=(), asked=()))


def accept_prices(prices: Mapping[str, Decimal]) -> frozenset[str]:
    """
    Vouch for *prices*, held or disputed ones that staff have seen, by symbol, and publish; return whose was accepted.

    A symbol is that of a coin, or the pair of a currency or of a quote, such as ``USD/EUR`` and ``USDT/USD``. One for
    which another price waits by now is left as it is.

    Raises:
        StoreUnavailable: when Redis cannot be reached; nothing is accepted then.
    """
    accepted: frozenset[str] = frozenset()
    rules = read_rules()

    def decide(memory: Memory, coins: Sequence[Coin]) -> Change:
        nonlocal accepted
        known = next_board.match_states(memory.states, coins)
        accepted = frozenset(
            symbol
            for symbol, price in prices.items()
            if symbol in known and is_waiting(known[symbol], price, next_board.rules_of(symbol, rules))
        )
        states = {**memory.states, **{symbol: accept(known[symbol]) for symbol in accepted}}
        return next_board.revise(replace(memory, states=states), coins, (), datetime.now(UTC), days=read_days())

    _publish(decide)
    for symbol in sorted(accepted):
        logger.info("%s: staff have accepted %s", symbol, decimal_text(prices[symbol]))
    return accepted


def _revise(
    memory: Memory,
    coins: Sequence[Coin],
    rates: Sequence[Rate],
    asked: Sequence[Coin],
    *,
    absent: Sequence[Absence] = (),
    live: bool = False,
    only_if_changed: bool = False,
) -> Change:
    current = next_board.keep_current(rates, asked, coins)
    lacking = next_board.keep_current(absent, asked, coins)
    more = {"live": live, "only_if_changed": only_if_changed}
    return next_board.revise(memory, coins, current, datetime.now(UTC), absent=lacking, days=read_days(), **more)


def _publish(decide: Callable[[Memory, Sequence[Coin]], Change]) -> Saved:
    # 1. Decide and store. `decide` runs again when another publisher was faster, and the coin list is read when others
    #    can no longer publish unnoticed: so no edit is undone by a list from before it.
    saved = store.update_board(lambda memory: decide(memory, coin_list.read()))
    # 2. Tell the operator who took a coin over, and what else is worth knowing.
    _log_owners(saved.owners)
    for note in saved.notes:
        logger.warning("%s", note)
    if saved.proven:
        coin_list.confirm_pairs(saved.proven)
    if saved.published:
        try:
            # 3. Send it to the hub of every web process, unless nothing that anybody sees has changed.
            publish(saved.snapshot, saved.changed, saved.removed)
        finally:
            # 4. Record it for the history: after it, so that no socket waits for this; and also when the hubs have to
            #    find the board in the store.
            recorder().record(saved)
    return saved


def _log_owners(changes: Iterable[OwnerChange]) -> None:
    """Log who took coins over from whom: one line for all coins that went the same way."""
    by_way: dict[tuple[str, str | None], list[str]] = {}
    for change in changes:
        by_way.setdefault((change.after, change.before), []).append(change.symbol)
    for (after, before), symbols in by_way.items():
        shown = ", ".join(symbols[:MOST_NAMED])
        more = f" and {len(symbols) - MOST_NAMED} others" if len(symbols) > MOST_NAMED else ""
        logger.info("price now from %s%s: %s%s", after, f", before from {before}" if before else "", shown, more)
