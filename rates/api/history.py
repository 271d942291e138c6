"""Candles, and prices at a moment of the past, over HTTP; `docs/history.md` is for those who ask."""

import json
import time
from collections.abc import Sequence
from decimal import Decimal
from math import floor
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from rates.api.parameters import (
    Coins,
    find_coin,
    load_coins,
    pick_coin,
    read_body,
    read_currency,
    read_interval,
    read_limit,
    read_moment,
    read_points,
    read_range,
    read_within,
)
from rates.api.problems import Problem, problem_view
from rates.api.tables import Row, answer_rows, csv_response, json_response, wants_csv, write_minute, write_time
from rates.currencies import convert_row
from rates.fanout.hub import get_hub
from rates.history import reading, valuation
from rates.history.candles import INTERVAL_NAMES, Candle, fit_interval, merge
from rates.history.valuation import Question, Valuation
from rates.types import decimal_text, encode_json
from rates.types import read_time as parse_time

MOST_PRICES = 1000
# Seconds that caches may keep what is over, and what is not.
CLOSED_AGE, RUNNING_AGE = 60, 1
CANDLE_FIELDS = ("time", "open", "high", "low", "close", "updates", "source", "disputed", "complete")
PRICE_FIELDS = ("symbol", "currency", "time", "price", "observed_at", "interval", "source", "distance_seconds",
                "disputed")  # fmt: skip
ERROR_FIELDS = ("code", "detail")


@problem_view("GET", "HEAD")
def candles(request: HttpRequest, symbol: str) -> HttpResponse:
    """Answer with the candles of a coin, oldest first, the running one last."""
    symbol, instrument = find_coin(symbol)
    interval = read_interval(request.GET.get("interval", "1h"))
    currency = read_currency(request.GET.get("currency"))
    limit, points = read_limit(request.GET.get("limit")), read_points(request.GET.get("points"))
    start, end = read_range(request)
    read = reading.read_history(instrument, interval, limit, start=start, end=end, currency=currency)
    found = _add_live(read.candles, symbol, interval, currency)
    step = fit_interval(found, interval, points)
    texts = _write_candles(found if step == interval else merge(found, step), step)
    if wants_csv(request):
        response = csv_response(map(json.loads, texts), CANDLE_FIELDS, f"{symbol}-{INTERVAL_NAMES[interval]}")
    else:
        names = {"symbol": symbol, "currency": currency, "interval": INTERVAL_NAMES[interval]}
        head = encode_json(names | {"step": step, "unconverted": read.unconverted})
        response = json_response(f'{head[:-1]},"candles":[{",".join(texts)}]}}')
    closed = bool(found) and end <= found[-1].time + interval <= time.time()
    patch_cache_control(response, public=True, max_age=CLOSED_AGE if closed else RUNNING_AGE)
    return response


@problem_view("GET", "HEAD")
def price_at(request: HttpRequest, symbol: str) -> HttpResponse:
    """Answer with the price of a coin at a moment of the past, or now."""
    symbol, instrument = find_coin(symbol)
    currency = read_currency(request.GET.get("currency"))
    moment = read_moment("time", request.GET.get("time"))
    answer = _find_prices([Question(instrument, moment)], [symbol], currency, read_within(request.GET.get("within")))[0]
    if answer is None:
        raise Problem(404, "no_price", _say_no_price(symbol, currency, moment))
    row = _price_row(symbol, currency, moment, answer)
    response = answer_rows(request, row, [row], PRICE_FIELDS, f"{symbol}-at")
    patch_cache_control(response, public=True, max_age=RUNNING_AGE)
    return response


@problem_view("POST")
def prices_at(request: HttpRequest) -> HttpResponse:
    """Answer with the price of each of up to 1,000 coins and moments, in the order of the question."""
    body = read_body(request)
    # Both mean the same in the address, as elsewhere, where nonsense is refused too; what the body says wins.
    currency, within = read_currency(request.GET.get("currency")), read_within(request.GET.get("within"))
    if body.get("currency") is not None:
        currency = read_currency(body["currency"])
    if body.get("within") is not None:
        within = read_within(body["within"], (int, float))
    wanted = body.get("wanted")
    if not isinstance(wanted, list):
        raise Problem(400, "bad_request", 'wanted must be a list of {"symbol": …, "time": …}')
    if len(wanted) > MOST_PRICES:
        raise Problem(413, "too_many", f"wanted has {len(wanted)} entries; at most {MOST_PRICES} are allowed")
    rows = _value_all(wanted, currency, within)
    response = answer_rows(request, {"prices": rows}, rows, (*PRICE_FIELDS, *ERROR_FIELDS), "prices")
    patch_cache_control(response, no_store=True)
    return response


def _value_all(wanted: Sequence[Any], currency: str, within: float) -> list[Row]:
    coins = load_coins()
    read = [_read_question(item, coins) for item in wanted]
    asked = [(symbol, question) for symbol, question in read if isinstance(question, Question)]
    found = iter(_find_prices([q for _, q in asked], [symbol for symbol, _ in asked], currency, within))
    return [
        _refusal_row(item, question)
        if isinstance(question, Problem)
        else _answer_row(symbol, currency, question.time, next(found))
        for item, (symbol, question) in zip(wanted, read, strict=True)
    ]


def _read_question(item: Any, coins: Coins) -> tuple[str, Question | Problem]:
    """Return the coin's symbol, and what is asked or why it cannot be answered."""
    try:
        if not isinstance(item, dict):
            raise Problem(400, "bad_request", 'each of wanted must be {"symbol": …, "time": …}')
        symbol, instrument = pick_coin(str(item.get("symbol", "")), coins)
        return symbol, Question(instrument, read_moment("time", item.get("time")))
    except Problem as problem:
        return "", problem


def _refusal_row(item: Any, problem: Problem) -> Row:
    asked = item if isinstance(item, dict) else {}
    return {"symbol": asked.get("symbol"), "time": asked.get("time"), "code": problem.code, "detail": problem.detail}


def _answer_row(symbol: str, currency: str, moment: float, answer: Valuation | None) -> Row:
    if answer is not None:
        return _price_row(symbol, currency, moment, answer)
    detail = _say_no_price(symbol, currency, moment)
    return {"symbol": symbol, "time": write_time(moment), "code": "no_price", "detail": detail}


def _say_no_price(symbol: str, currency: str, moment: float) -> str:
    what, when = f"{symbol} has no price in {currency.upper()}", f"within one candle before {write_time(moment)}"
    return f"{what} {when}; ?within= allows an older one, in seconds"


def _find_prices(
    questions: Sequence[Question], symbols: Sequence[str], currency: str, within: float
) -> list[Valuation | None]:
    found = valuation.find_prices(questions, within, currency)
    live = [_find_live(symbol, question.time, currency) for symbol, question in zip(symbols, questions, strict=True)]
    return [now or then for now, then in zip(live, found, strict=True)]


def _find_live(symbol: str, moment: float, currency: str) -> Valuation | None:
    """Return the published price in *currency* if *moment* is not before it; None when there is none that is fresh."""
    snapshot = get_hub().snapshot
    fragment = snapshot and snapshot.fragments.get(symbol)
    # Many clients know whole seconds only: that of the publication is now.
    if not snapshot or not fragment or moment < floor(parse_time(snapshot.as_of).timestamp()):
        return None
    in_base = currency == settings.QUOTE_CURRENCY
    coin = json.loads((fragment if in_base else convert_row(fragment, snapshot.currencies.get(currency))).json)
    if coin["price"] is None or coin["stale"]:
        return None
    observed_at = parse_time(coin["observed_at"]).timestamp()
    return Valuation(
        Decimal(coin["price"]), observed_at, 0, coin["source"], coin["disputed"], max(0.0, moment - observed_at)
    )


def _add_live(candles: list[Candle], symbol: str, interval: int, currency: str) -> list[Candle]:
    """Return *candles* with the live price in the running one, which processes report only every few seconds."""
    is_running = bool(candles) and candles[-1].time + interval > time.time()
    live = _find_live(symbol, time.time(), currency) if is_running else None
    if live is None:
        return candles
    last, price = candles[-1], live.price
    disputed = last.disputed or live.disputed
    high, low = max(last.high, price), min(last.low, price)
    return [*candles[:-1], last._replace(high=high, low=low, close=price, source=live.source, disputed=disputed)]


def _write_candles(candles: Sequence[Candle], interval: int) -> list[str]:
    """Return each of *candles* as a JSON object; a question may be about thousands, so this makes no dicts of them."""
    over, boolean = time.time() - interval, ("false", "true")
    return [
        f'{{"time":"{write_minute(began)}","open":"{opened:f}","high":"{high:f}","low":"{low:f}","close":"{close:f}",'
        f'"updates":{updates},"source":"{source}","disputed":{boolean[disputed]},"complete":{boolean[began <= over]}}}'
        for began, opened, high, low, close, updates, source, disputed in candles
    ]


def _price_row(symbol: str, currency: str, moment: float, answer: Valuation) -> Row:
    return {
        "symbol": symbol,
        "currency": currency,
        "time": write_time(moment),
        "price": decimal_text(answer.price),
        "observed_at": write_time(answer.observed_at),
        "interval": INTERVAL_NAMES.get(answer.interval, "live"),
        "source": answer.source,
        "distance_seconds": round(answer.distance, 3),
        "disputed": answer.disputed,
    }
