"""What the currencies are worth, and amounts of a coin or a currency in another one."""

import re
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from rates.api.board import MAX_AGE, current_snapshot
from rates.api.problems import Problem, problem_view
from rates.api.tables import Row, json_response
from rates.currencies import Unit, find_code, list_currencies, measure_coin, measure_currency, price_in
from rates.symbols import LONGEST_SYMBOL, find_symbol
from rates.types import WIDE, Currency, Snapshot, decimal_text, encode_json

AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


@problem_view("GET", "HEAD")
async def currencies(request: HttpRequest) -> HttpResponse:
    """Answer with what one unit of the base is worth in every currency that is offered and known."""
    rows = [_describe(worth) for worth in list_currencies(await current_snapshot())]
    response = json_response(encode_json({"base": rows[0]["code"], "currencies": rows}))
    patch_cache_control(response, public=True, max_age=MAX_AGE)
    return response


def _describe(worth: Currency) -> Row:
    row = worth._asdict()
    del row["coin"]
    return row | {"source": worth.source or None}


@problem_view("GET", "HEAD")
async def convert(request: HttpRequest) -> HttpResponse:
    """Answer with what an amount of one coin or currency is in another one."""
    amount = _read_amount(request.GET.get("amount", "1"))
    snapshot = await current_snapshot()
    given, wanted = (_read_unit(request, name, snapshot) for name in ("from", "to"))
    price = price_in(given, wanted)
    body = {
        "amount": decimal_text(amount),
        "from": given.name,
        "to": wanted.name,
        "result": decimal_text(WIDE.multiply(amount, price)),
        "price": decimal_text(price),
        "as_of": snapshot.as_of,
        "stale": given.stale or wanted.stale,
        "disputed": given.disputed or wanted.disputed,
    }
    response = json_response(encode_json(body))
    patch_cache_control(response, public=True, max_age=MAX_AGE)
    return response


def _read_amount(text: str) -> Decimal:
    if not AMOUNT.fullmatch(text):
        words = "is not a number such as 1.5, with up to 20 digits before and after the point"
        raise Problem(400, "bad_amount", f"amount: {text[:40]!r} {words}")
    return Decimal(text)


def _read_unit(request: HttpRequest, name: str, snapshot: Snapshot) -> Unit:
    """Return what the parameter *name* means: a coin as it is spelled, a currency, or a coin in another case."""
    text = request.GET.get(name, "").strip()
    code = find_code(text)
    symbol = text if text in snapshot.fragments else find_symbol(snapshot.fragments, text)
    unit: Unit | None
    if symbol is not None and (symbol == text or code is None):
        unit = measure_coin(snapshot.fragments[symbol])
    elif code is not None:
        unit = measure_currency(snapshot, code)
    else:
        words = f"{text[:LONGEST_SYMBOL]!r} is neither a coin of /api/rates nor a currency of /api/currencies"
        raise Problem(404 if text else 400, "unknown_symbol", f"{name}: {words}")
    if unit is None:
        raise Problem(404, "no_price", f"{name}: {text!r} has no price now")
    return unit
