"""What the views pass to the templates beside the board: texts, limits, the preferences in the visitor's cookies."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.board import CARDS_ONLY, DEFAULT_PINS, BoardView, load_snapshot, script_board
from dashboard.numbers import affixes
from dashboard.texts import script_texts, source_name
from rates import store
from rates.api.readiness import find_pauses
from rates.currencies import decimals, find_code, offered
from rates.exceptions import StoreUnavailable
from rates.types import time_text

logger = logging.getLogger(__name__)

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
    "dashboard/js/view.js",
    "dashboard/js/lines.js",
    "dashboard/js/order.js",
    "dashboard/js/paint.js",
    "dashboard/js/marks.js",
)
TABLE_SCRIPTS = ("dashboard/js/table-controls.js", "dashboard/js/lists.js")
COIN_SCRIPTS = tuple(
    f"dashboard/js/{name}.js"
    for name in ("coin", "history", "candles", "chart", "chart-style", "chart-marks", "readout")
)
THEMES = ("light", "dark")
PALETTES = ("blue", "east")


def load_pauses() -> Mapping[str, Mapping[str, str]]:
    """Return which sources and streams are paused, with `until` and `why`; none while Redis is down."""
    try:
        return find_pauses(store.load_healths())
    except StoreUnavailable as error:
        logger.warning("no pauses for the page: %s", error)
        return {}


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
        "simulated": any(rate["source"] == "simulated" for rate in board.rates.values()),
        "sources": sorted({source_name(rate["source"]) for rate in board.rates.values() if rate["source"]}),
    }


def _converter_context(board: BoardView) -> dict[str, Any]:
    """Return what can be converted: every coin on the board, and the currencies with their decimals."""
    snapshot, shown = load_snapshot(), list(board.rates)
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
    cards_only = wall or len(board.rates) <= CARDS_ONLY
    pinned = [coin for coin in board.coins if coin.pinned]
    others = [coin for coin in board.coins if not coin.pinned]
    first = set(list(board.rates)[: board.most])
    up, down = board.directions.count("up"), board.directions.count("down")
    return page_context(request, board) | {
        "scripts": SCRIPTS + TABLE_SCRIPTS,
        "wall": wall,
        "cards": pinned + others if cards_only else pinned,
        "rows": [coin for coin in board.coins if coin.symbol in first],
        "cards_only": cards_only,
        "cards_limit": CARDS_ONLY,
        "default_pins": DEFAULT_PINS,
        "up": up,
        "down": down,
        "up_share": round(100 * up / (up + down), 1) if up + down else 50,
        "summary": _summary(len(board.rates), board.currency.upper()),
    }


def _summary(count: int, quote: str) -> str:
    if count == 0:
        return _("Nothing to show yet")
    return (
        _("1 coin in {quote}").format(quote=quote)
        if count == 1
        else _("{n} coins in {quote}").format(n=count, quote=quote)
    )
