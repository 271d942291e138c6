"""What the views pass to the templates: the newest board, its lines, the preferences in the visitor's cookies."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.lines import load_lines
from dashboard.numbers import affixes
from dashboard.period import Line
from dashboard.presentation import CoinView, read_rate, unpriced, view_coin
from dashboard.texts import script_texts
from rates import store
from rates.api.readiness import find_pauses
from rates.currencies import decimals, find_code, in_currency, offered
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
# Preloaded: without it the browser would discover them import by import, one round trip after the other.
SCRIPTS = (
    "dashboard/js/main.js",
    "dashboard/js/api.js",
    "dashboard/js/board.js",
    "dashboard/js/numbers.js",
    "dashboard/js/period.js",
    "dashboard/js/preferences.js",
    "dashboard/js/rates-socket.js",
    "dashboard/js/reasons.js",
    "dashboard/js/status.js",
    "dashboard/js/controls.js",
    "dashboard/js/table-controls.js",
    "dashboard/js/view.js",
    "dashboard/js/lines.js",
    "dashboard/js/lists.js",
    "dashboard/js/order.js",
    "dashboard/js/paint.js",
    "dashboard/js/marks.js",
)
COIN_SCRIPTS = tuple(
    f"dashboard/js/{name}.js"
    for name in ("coin", "history", "candles", "chart", "chart-style", "chart-marks", "readout", "embed-code")
)
THEMES = ("light", "dark")
PALETTES = ("blue", "east")


@dataclass(frozen=True, slots=True)
class BoardView:
    """
    The board at one moment, ready for templates and for the scripts that keep the page current.

    Attributes:
        currency: what prices are in.
        pins: symbols that the visitor has pinned, or the default ones.
        late: no price may look live: nobody has published for long, or every price is stale, or there is none.
        unpriced: no coin has a price.
        fresh_at: when the newest price that is shown was fresh.
    """

    currency: str
    coins: Sequence[CoinView]
    lines: Mapping[str, Line]
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


def load_pauses() -> Mapping[str, Mapping[str, str]]:
    """Return which sources and streams are paused, with `until` and `why`; none while Redis is down."""
    try:
        return find_pauses(store.load_healths())
    except StoreUnavailable as error:
        logger.warning("no pauses for the page: %s", error)
        return {}


def load_board(
    pins: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    within: Sequence[str] = (),
    currency: str | None = None,
) -> BoardView:
    """
    Return the board, or only the coins *only* (in that order), or those *within* a list (in the order of the board).

    Symbols may be in any case.

    *pins* are None until the visitor has pinned any.
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
    lines = load_lines(list(rates), currency)
    now = datetime.now(UTC)
    as_of = read_time(snapshot.as_of) if snapshot else None
    late = snapshot is not None and (is_late(snapshot, now) or not has_fresh_price(snapshot))
    own = decimals(currency)
    coins = [
        view_coin(rate, lines.get(symbol, ()), now, late, pinned=symbol in pins, own=own)
        for symbol, rate in rates.items()
    ]
    epoch, seq = (snapshot.epoch, snapshot.seq) if snapshot else ("", 0)
    unpriced = snapshot is not None and bool(coins) and all(coin.price is None for coin in coins)
    observed = [coin.observed_at for coin in coins if coin.observed_at]
    fresh_at = max(observed) if late and observed else as_of
    return BoardView(currency, coins, lines, pins, as_of, now, late, unpriced, fresh_at, epoch, seq)


def has_fresh_price(snapshot: Snapshot) -> bool:
    """Return whether anything on the board may be called live; an empty board may."""
    fragments = snapshot.fragments.values()
    return not fragments or any(f.price is not None and not f.is_stale for f in fragments)


def _rates(snapshot: Snapshot | None) -> dict[str, dict[str, Any]]:
    if snapshot is not None:
        return {symbol: read_rate(fragment.json) for symbol, fragment in snapshot.fragments.items()}
    return {coin.symbol: unpriced(coin.symbol, coin.name, coin.logo_path) for coin in Coin.objects.enabled()}


def script_board(board: BoardView) -> dict[str, Any]:
    """Return the state that the scripts start from: exactly what the template shows."""
    return {
        "currency": board.currency,
        "epoch": board.epoch,
        "seq": board.seq,
        "as_of": board.as_of and time_text(board.as_of),
        "rates": [coin.rate for coin in board.coins],
        "lines": script_lines(board.lines),
    }


def script_lines(lines: Mapping[str, Line]) -> dict[str, list[list[float]]]:
    """Return *lines* as the scripts draw them: numbers of seconds and of money, with as many digits as can be seen."""
    return {symbol: [[round(at), float(f"{price:.7g}")] for at, price in line] for symbol, line in lines.items()}


def read_pins(request: HttpRequest) -> list[str] | None:
    """Return the symbols that the visitor has pinned, from the cookie that the scripts write; None: none ever."""
    text = request.COOKIES.get("pins")
    return None if text is None else [symbol for symbol in unquote(text).split(",") if symbol]


def read_currency(request: HttpRequest) -> str:
    """Return the currency that the visitor chose, from the cookie that the scripts write; else the base."""
    return find_code(request.COOKIES.get("currency", "")) or settings.QUOTE_CURRENCY


def asked_currency(request: HttpRequest) -> str:
    """Return the currency of `?currency=`, for what is shown on other sites; else the base."""
    return find_code(request.GET.get("currency", "")) or settings.QUOTE_CURRENCY


def page_context(request: HttpRequest, board: BoardView) -> dict[str, Any]:
    """Return what every page needs: theme, texts, and the addresses and limits for the scripts."""
    theme, palette = request.COOKIES.get("theme"), request.COOKIES.get("palette")
    return {
        "board": board,
        "theme": theme if theme in THEMES else "",
        "palette": palette if palette in PALETTES else "",
        "affixes": affixes(board.currency),
        "base": settings.QUOTE_CURRENCY,
        "currency_query": "" if board.currency == settings.QUOTE_CURRENCY else f"&currency={board.currency}",
        "units": {code: [decimals(code), *affixes(code)] for code in offered()},
        "scripts": SCRIPTS,
        "converter": _converter_context(board),
        "pins": board.pins,
        "limits": {
            "now": time_text(board.now),
            "interval": settings.RATES_REFRESH_INTERVAL,
            "heartbeat": settings.RATES_HEARTBEAT,
            "stale": settings.RATES_STALE_AFTER,
            "lines": reverse("dashboard:lines"),
            "pauses": reverse("dashboard:pauses"),
            "local": settings.DEBUG,
            "token": _token_url(),
            "root": settings.RATES_ROOT_PATH,
        },
        "script_board": script_board(board),
        "script_texts": script_texts(),
        "may_log_out": settings.RATES_PAGES_AUTH == "login",
        "simulated": any(coin.simulated for coin in board.coins),
        "sources": sorted({coin.source for coin in board.coins if coin.source}),
    }


def _converter_context(board: BoardView) -> dict[str, Any]:
    """Return what can be converted: every coin on the board, and the currencies with their decimals."""
    snapshot, shown = load_snapshot(), [coin.symbol for coin in board.coins]
    symbols = list(snapshot.fragments) if snapshot else shown
    return {
        "coins": symbols,
        "currencies": [(code, decimals(code)) for code in offered()],
        "given": shown[0] if shown else "",
        "wanted": board.currency,
    }


def _token_url() -> str:
    """Return where a page gets a short-lived token for its socket and the API; empty when both are public."""
    return reverse("socket-token") if "jwt" in (settings.RATES_WS_AUTH, settings.RATES_API_AUTH) else ""


def board_context(request: HttpRequest, board: BoardView, wall: bool) -> dict[str, Any]:
    """Return the context of the page of all coins; on a *wall* every coin is a card."""
    cards_only = wall or len(board.coins) <= CARDS_ONLY
    pinned = [coin for coin in board.coins if coin.pinned]
    others = [coin for coin in board.coins if not coin.pinned]
    directions = [coin.change.direction for coin in board.coins if coin.change]
    up, down = directions.count("up"), directions.count("down")
    return page_context(request, board) | {
        "wall": wall,
        "cards": pinned + others if cards_only else pinned,
        "rows": board.coins,
        "cards_only": cards_only,
        "cards_limit": CARDS_ONLY,
        "default_pins": DEFAULT_PINS,
        "up": up,
        "down": down,
        "up_share": round(100 * up / (up + down), 1) if up + down else 50,
        "summary": _summary(len(board.coins), board.currency.upper()),
    }


def _summary(count: int, quote: str) -> str:
    if count == 0:
        return _("Nothing to show yet")
    return (
        _("1 coin in {quote}").format(quote=quote)
        if count == 1
        else _("{n} coins in {quote}").format(n=count, quote=quote)
    )
