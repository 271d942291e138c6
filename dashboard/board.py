"""The newest board as a page shows it, and as its scripts start from it."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from dashboard.lines import load_lines
from dashboard.numbers import direction
from dashboard.period import Line, choose_period
from dashboard.presentation import CoinView, read_rate, unpriced, view_coin
from rates import store
from rates.currencies import decimals, in_currency
from rates.exceptions import StoreUnavailable
from rates.fanout.hub import get_hub
from rates.models import Coin
from rates.publication import is_late
from rates.symbols import fold
from rates.types import Snapshot, read_time, time_text

logger = logging.getLogger(__name__)

# With this many coins or fewer, every coin is a card and there is no table.
CARDS_ONLY = 6
# Coins that are pinned for a visitor who has pinned nothing yet.
DEFAULT_PINS = 4
# Rows that are rendered: more than any window shows. The scripts make the others, and fetch their lines when they come
# into sight; without scripts, a link leads to all of them.
RENDERED_ROWS = 100


@dataclass(frozen=True, slots=True)
class BoardView:
    """
    The board at one moment, ready for templates and for the scripts that keep the page current.

    Attributes:
        currency: what prices are in.
        rates: every coin, in order, as it was published.
        coins: those that the templates show: the first ones, and after them pinned ones that are further down.
        lines: those of *coins*; *starts*: the first point of the lines of all others.
        directions: how every coin moved, where that is known.
        most: how many of the first coins are shown; None: all of them.
        pins: symbols that the visitor has pinned, or the default ones.
        late: no price may look live: nobody has published for long, or every price is stale, or there is none.
        unpriced: no coin has a price.
        fresh_at: when the newest price that is shown was fresh.
    """

    currency: str
    rates: Mapping[str, Mapping[str, Any]]
    coins: Sequence[CoinView]
    lines: Mapping[str, Line]
    starts: Mapping[str, Line]
    directions: Sequence[str]
    most: int | None
    pins: Sequence[str]
    as_of: datetime | None
    now: datetime
    late: bool
    unpriced: bool
    fresh_at: datetime | None
    epoch: str
    seq: int


def load_snapshot() -> Snapshot | None:
    """Return the newest board this process knows of; None when there is none, or Redis is down."""
    snapshot = get_hub().snapshot
    if snapshot is not None:
        return snapshot
    try:
        return store.load_snapshot()
    except StoreUnavailable as error:
        logger.warning("no board for the page: %s", error)
        return None


def load_board(
    pins: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    within: Sequence[str] = (),
    currency: str | None = None,
    most: int | None = None,
) -> BoardView:
    """
    Return the board, or only the coins *only* (in that order), or those *within* a list (in the order of the board).

    Symbols may be in any case.

    *pins* are None until the visitor has pinned any; *most*: how many coins the templates show beside them.
    """
    currency, snapshot = currency or settings.QUOTE_CURRENCY, load_snapshot()
    if snapshot is not None:
        snapshot = in_currency(snapshot, currency)
    rates = _rates(snapshot)
    if within:
        listed = {fold(symbol) for symbol in within}
        rates = {symbol: rate for symbol, rate in rates.items() if fold(symbol) in listed}
    if pins is None:
        pins = list(rates)[:DEFAULT_PINS] if len(rates) > CARDS_ONLY else []
    if only is not None:
        by_key = {fold(symbol): symbol for symbol in rates}
        wanted = (by_key.get(fold(symbol)) for symbol in only)
        rates = {symbol: rates[symbol] for symbol in wanted if symbol is not None}
    now = datetime.now(UTC)
    late = snapshot is not None and (is_late(snapshot, now) or not has_fresh_price(snapshot))
    lines, own = load_lines(list(rates), currency), decimals(currency)
    shown = list(dict.fromkeys([*list(rates)[:most], *(symbol for symbol in rates if symbol in pins)]))
    percents = [choose_period(rate, lines.get(symbol, ()), now).percent for symbol, rate in rates.items()]
    return BoardView(
        currency=currency,
        rates=rates,
        coins=[view_coin(rates[s], lines.get(s, ()), now, late, pinned=s in pins, own=own) for s in shown],
        lines={symbol: lines[symbol] for symbol in shown if symbol in lines},
        starts={symbol: line[:1] for symbol, line in lines.items() if symbol not in shown},
        directions=[direction(percent) for percent in percents if percent is not None],
        most=most,
        pins=pins,
        as_of=(as_of := read_time(snapshot.as_of) if snapshot else None),
        now=now,
        late=late,
        unpriced=snapshot is not None and bool(rates) and all(rate["price"] is None for rate in rates.values()),
        fresh_at=_freshest(rates.values()) or as_of if late else as_of,
        epoch=snapshot.epoch if snapshot else "",
        seq=snapshot.seq if snapshot else 0,
    )


def _freshest(rates: Iterable[Mapping[str, Any]]) -> datetime | None:
    """Return when the newest price was observed."""
    observed = [rate["observed_at"] for rate in rates if rate["observed_at"]]
    return read_time(max(observed)) if observed else None


def has_fresh_price(snapshot: Snapshot) -> bool:
    """Return whether anything on the board may be called live; an empty board may."""
    fragments = snapshot.fragments.values()
    return not fragments or any(f.price is not None and not f.is_stale for f in fragments)


def _rates(snapshot: Snapshot | None) -> dict[str, dict[str, Any]]:
    if snapshot is not None:
        return {symbol: read_rate(fragment.json) for symbol, fragment in snapshot.fragments.items()}
    return {coin.symbol: unpriced(coin.symbol, coin.name, coin.logo_path) for coin in Coin.objects.enabled()}


def script_board(board: BoardView) -> dict[str, Any]:
    """Return the state that the scripts start from: what the template shows, and the coins below that."""
    return {
        "currency": board.currency,
        "epoch": board.epoch,
        "seq": board.seq,
        "as_of": board.as_of and time_text(board.as_of),
        "rates": list(board.rates.values()),
        "lines": script_lines(board.lines),
        "starts": script_lines(board.starts),
    }


def script_lines(lines: Mapping[str, Line]) -> dict[str, list[list[float]]]:
    """Return *lines* as the scripts draw them: numbers of seconds and of money, with as many digits as can be seen."""
    return {symbol: [[round(at), float(f"{price:.7g}")] for at, price in line] for symbol, line in lines.items()}
