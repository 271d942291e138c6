"""
`/simple/price`: the prices of some coins in some currencies.

    {"bitcoin": {"usd": 63250.12, "usd_24h_change": -1.41, "last_updated_at": 1779092258}}

A coin without a price, or a currency without a worth, has no keys: a price is never 0 or null.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rates.coingecko_api.board import Board, Quote, round_price
from rates.coingecko_api.catalog import Listed
from rates.coingecko_api.parameters import (
    Parameters,
    Refusal,
    read_codes,
    read_flag,
    read_list,
    read_precision,
    require,
)

KINDS = ("ids", "names", "symbols")
Figures = dict[str, object]


class Question(NamedTuple):
    """What of each coin is asked for; *precision* in decimals, None for every digit."""

    currencies: list[str]
    market_cap: bool
    volume: bool
    change: bool
    updated: bool
    trust: bool
    precision: int | None


def answer(board: Board, params: Parameters) -> tuple[dict[str, Figures], list[Quote]]:
    """Return the body, and the quotes that are in it."""
    question = _read_question(params)
    kind, coins = choose_coins(board, params)
    if kind is None:
        raise Refusal(422, "Missing parameter ids")
    currencies = [code for code in question.currencies if code in board.worths]
    quotes = [board.quotes[coin.coin_id] for coin in coins if coin.coin_id in board.quotes]
    question = question._replace(currencies=currencies)
    return {_key(quote.coin, kind): dict(_describe(board, quote, question)) for quote in quotes}, quotes


def choose_coins(board: Board, params: Parameters) -> tuple[str | None, list[Listed]]:
    """Return by what coins are named, ids before names before symbols, and which they are; None where none is."""
    kind = next((kind for kind in KINDS if kind in params), None)
    return kind, board.catalog.find(read_list(params[kind]), kind) if kind else []


def _read_question(params: Parameters) -> Question:
    return Question(
        read_codes(require(params, "vs_currencies")),
        read_flag(params, "include_market_cap"),
        read_flag(params, "include_24hr_vol"),
        read_flag(params, "include_24hr_change"),
        read_flag(params, "include_last_updated_at"),
        read_flag(params, "include_trust"),
        read_precision(params),
    )


def _key(coin: Listed, kind: str) -> str:
    return {"ids": coin.coin_id, "names": coin.name}.get(kind, coin.symbol.lower())


def _describe(board: Board, quote: Quote, question: Question) -> Iterator[tuple[str, object]]:
    if quote.price is None or quote.observed_at is None:
        return
    for code in question.currencies:
        price = board.price(quote, code)
        assert price is not None
        yield code, round_price(price, question.precision)
        if question.market_cap:
            yield f"{code}_market_cap", board.convert(quote.market_cap, code)
        if question.volume:
            yield f"{code}_24h_vol", board.convert(quote.volume, code)
        if question.change:
            yield f"{code}_24h_change", board.change_pct(quote, code)
    if question.updated:
        yield "last_updated_at", int(quote.observed_at.timestamp())
    if question.trust:
        yield from zip(
            ("stale", "disputed"), quote.marks_in(board.worths[code] for code in question.currencies), strict=True
        )
