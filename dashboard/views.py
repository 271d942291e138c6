"""The pages: the board, one coin, the card to embed elsewhere, the badge. They read and write nothing."""

from collections.abc import Sequence

from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from dashboard.board import RENDERED_ROWS, BoardView, load_board, load_snapshot, script_lines
from dashboard.candles import MOST_POINTS, RANGES, ROWS, choose_range, describe_extremes, read_rows
from dashboard.context import (
    COIN_SCRIPTS,
    PALETTES,
    THEMES,
    asked_currency,
    board_context,
    load_pauses,
    page_context,
    read_currency,
    read_pins,
)
from dashboard.lines import coin_ids, load_lines
from dashboard.numbers import in_unit
from rates.symbols import fold

# Further coins that one embedded page may show.
EMBED_PINS = 11
# Coins that an address may list.
MOST_LISTED = 200
# Pixels of the badge; a simulated price is longer than others for saying so.
BADGE_WIDTH, SIMULATED_WIDTH = 240, 250


@require_safe
@never_cache
def show_board(request: HttpRequest) -> HttpResponse:
    """
    Show all coins, or those of `?coins=BTC,ETH`; `?wall=1` fills a television with them.

    `?all=1` renders every row, for whoever has no scripts.
    """
    wall, coins = request.GET.get("wall") == "1", request.GET.get("coins", "")
    listed = [symbol for symbol in coins.split(",") if symbol][:MOST_LISTED]
    most = None if wall or request.GET.get("all") == "1" else RENDERED_ROWS
    board = load_board(read_pins(request), within=listed, currency=read_currency(request), most=most)
    context = board_context(request, board, wall)
    return render(request, "dashboard/board.html", context | {"listed": ",".join(listed)})


@require_safe
@never_cache
def show_lines(request: HttpRequest) -> HttpResponse:
    """Return the line of each coin, or of `?symbols=`, in `?currency=`: for a page after a gap, or with new coins."""
    snapshot = load_snapshot()
    wanted = {fold(symbol) for symbol in request.GET.get("symbols", "").split(",") if symbol}
    symbols = [symbol for symbol in snapshot.fragments if not wanted or fold(symbol) in wanted] if snapshot else []
    return JsonResponse(script_lines(load_lines(symbols, asked_currency(request))))


@require_safe
@never_cache
def show_pauses(request: HttpRequest) -> HttpResponse:
    """Return until when each source or stream is paused, for a page without fresh prices."""
    return JsonResponse({name: pause["until"] for name, pause in load_pauses().items()})


@require_safe
@never_cache
def show_coin(request: HttpRequest, symbol: str) -> HttpResponse:
    """Show one coin with its chart and its newest candles."""
    board = _load(symbol, pins=read_pins(request), currency=read_currency(request))
    coin = board.coins[0]
    shown = choose_range(request)
    rows = read_rows(coin_ids().get(coin.symbol, ""), shown, coin.decimals, board.currency)
    context = page_context(request, board)
    context |= {
        "coin": coin,
        "coin_scripts": COIN_SCRIPTS,
        "ranges": RANGES,
        "table_rows": ROWS,
        "points": MOST_POINTS,
        "range": shown,
        "kind": "candles" if request.COOKIES.get("chart") == "candles" else "line",
        "candles": rows,
        "extremes": describe_extremes(rows, board.currency, coin.decimals),
    }
    return render(request, "dashboard/coin.html", context)


@require_safe
@never_cache
@xframe_options_exempt
@csp_replace({"frame-ancestors": settings.RATES_EMBED_ANCESTORS})  # type: ignore[arg-type] # its hints forget arguments
def show_embed(request: HttpRequest, symbol: str) -> HttpResponse:
    """Show one card for an iframe; the query has `theme`, `palette` and `pins` (further coins), `currency`."""
    pins = [pin for pin in request.GET.get("pins", "").split(",") if pin][:EMBED_PINS]
    board = _load(symbol, *pins, currency=asked_currency(request))
    context = page_context(request, board)
    context["select"] = ",".join(coin.symbol for coin in board.coins)
    theme, palette = request.GET.get("theme", ""), request.GET.get("palette", "")
    context["theme"] = theme if theme in THEMES else ""
    context["palette"] = palette if palette in PALETTES else ""
    return render(request, "dashboard/embed.html", context)


@require_safe
@xframe_options_exempt
def show_badge(request: HttpRequest, symbol: str) -> HttpResponse:
    """Return a small SVG with the coin's price, for a README; image proxies may cache it for half a minute."""
    board = _load(symbol, currency=asked_currency(request))
    coin = board.coins[0]
    change = coin.change and coin.change.percent
    mark = _("simulated") if coin.simulated else _("disputed") if coin.disputed else coin.age if coin.stale else ""
    context = {
        "coin": coin,
        "value": in_unit(coin.price.full, board.currency) if coin.price else _("waiting for a price"),
        "change": change,
        "note": mark or change or "",
        "direction": "stale" if mark or coin.change is None else coin.change.direction,
        "width": SIMULATED_WIDTH if coin.simulated else BADGE_WIDTH,
    }
    response = render(request, "dashboard/badge.svg", context, content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=30"
    return response


def _load(*symbols: str, currency: str, pins: Sequence[str] | None = ()) -> BoardView:
    """Return the board of *symbols* only; 404 unless the first of them is on it."""
    board = load_board(pins, only=symbols, currency=currency)
    if not board.coins or fold(board.coins[0].symbol) != fold(symbols[0]):
        raise Http404(symbols[0])
    return board
