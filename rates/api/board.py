"""The board over HTTP: all coins, one of them, and the last stored updates of one."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from rates import publication, store
from rates.api.parameters import read_offered, read_symbols, write_unknown
from rates.api.problems import Problem, problem_view
from rates.api.tables import Row, answer_rows, csv_response, json_response, wants_csv
from rates.currencies import in_currency
from rates.exceptions import StoreUnavailable
from rates.fanout.hub import get_hub
from rates.history.valuation import convert_points
from rates.publication import is_selected
from rates.symbols import find_symbol
from rates.types import HistoryPoint, Snapshot, encode_json

COIN_FIELDS = ("symbol", "name", "price", "change_24h_pct", "volume_24h", "source", "observed_at", "stale", "disputed",
               "confirmed_by", "spread_pct", "high_24h", "low_24h", "from_history", "currency")  # fmt: skip
NOT_READY = Problem(503, "not_ready", "no prices yet; try again", {"Retry-After": "5"})
# Seconds that caches may keep an answer.
MAX_AGE = 1

_histories: dict[str, list[HistoryPoint]] = {}


async def current_snapshot() -> Snapshot:
    """
    Return the newest board, with every price marked as stale when nobody publishes.

    Raises:
        Problem: 503 when there is none.
    """
    await get_hub().wait_ready(1.0)
    snapshot = get_hub().snapshot
    if snapshot is None:
        raise NOT_READY
    return publication.mark_stale(snapshot) if publication.is_late(snapshot) else snapshot


@problem_view("GET", "HEAD")
async def rates(request: HttpRequest) -> HttpResponse:
    """Answer with the `board` of `rates.v1`, or with the coins of it that are wanted."""
    currency = read_offered(request.GET.get("currency"))
    snapshot = in_currency(await current_snapshot(), currency)
    selection = read_symbols(request, snapshot.fragments)
    if wants_csv(request):
        response = csv_response(_rows(snapshot, selection.symbols, currency), COIN_FIELDS, "rates")
    else:
        response = json_response(publication.board_text(snapshot, selection.symbols, currency))
    if selection.unknown:
        response["X-Unknown-Symbols"] = write_unknown(selection.unknown)
    patch_cache_control(response, public=True, max_age=MAX_AGE)
    return response


def _rows(snapshot: Snapshot, symbols: frozenset[str] | None, currency: str) -> Iterator[Row]:
    for symbol, fragment in snapshot.fragments.items():
        if is_selected(symbol, symbols):
            yield json.loads(fragment.json) | {"currency": currency}


@problem_view("GET", "HEAD")
async def coin(request: HttpRequest, symbol: str) -> HttpResponse:
    """Answer with one coin of the board, and which publication that is from."""
    currency = read_offered(request.GET.get("currency"))
    snapshot = in_currency(await current_snapshot(), currency)
    known = _find(snapshot, symbol)
    head: dict[str, Any] = {"epoch": snapshot.epoch, "seq": snapshot.seq, "as_of": snapshot.as_of}
    body = head | {"currency": currency} | json.loads(snapshot.fragments[known].json)
    response = answer_rows(request, body, [body], (*head, *COIN_FIELDS), known)
    patch_cache_control(response, public=True, max_age=MAX_AGE)
    return response


@problem_view("GET", "HEAD")
async def history(request: HttpRequest, symbol: str) -> HttpResponse:
    """Answer with the stored updates of a coin, oldest first; while Redis is down, with those read last."""
    currency = read_offered(request.GET.get("currency"))
    known = _find(await current_snapshot(), symbol)
    try:
        _histories[known] = (await asyncio.to_thread(store.load_histories, [known]))[known]
    except StoreUnavailable:
        if known not in _histories:
            raise Problem(503, "store_away", "the history cannot be read now", {"Retry-After": "5"}) from None
    points = await asyncio.to_thread(convert_points, _histories[known], currency)
    rows = [point._asdict() for point in points]
    if wants_csv(request):
        response = csv_response(rows, HistoryPoint._fields, f"{known}-history")
    else:
        response = json_response(encode_json(rows))
    patch_cache_control(response, public=True, max_age=MAX_AGE)
    return response


def _find(snapshot: Snapshot, symbol: str) -> str:
    known = find_symbol(snapshot.fragments, symbol)
    if known is None:
        raise Problem(404, "unknown_symbol", f"symbol: {symbol[:40]!r} is not on the board; /api/rates lists the coins")
    return known
