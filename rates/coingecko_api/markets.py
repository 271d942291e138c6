"""
`/coins/markets`: one row for each coin, sorted and in pages.

What we cannot know (supply, all-time extremes, rank among all coins) is null; a coin without a price has no row.

    market_cap_desc     by what CoinGecko told lately; coins without a market cap after the others, as on our board
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rates.coingecko_api.board import CONVERTED, Board, Quote, round_price
from rates.coingecko_api.images import image_url
from rates.coingecko_api.parameters import (
    DEFAULT_PAGE,
    MOST_A_PAGE,
    Parameters,
    read_codes,
    read_flag,
    read_number,
    read_precision,
)
from rates.coingecko_api.past import Past, read_lines, read_past
from rates.coingecko_api.simple_price import choose_coins
from rates.history.candles import DAY, HOUR
from rates.types import time_text

SPANS = {"1h": HOUR, "24h": DAY, **{f"{days}d": days * DAY for days in (7, 14, 30, 60, 200)}, "1y": 365 * DAY}
OFFERED_SPANS = [span for span in SPANS if span != "60d"]
ORDERS: Mapping[str, Callable[[Quote], Any]] = {
    "market_cap": lambda quote: quote.market_cap,
    "volume": lambda quote: quote.volume,
    "id": lambda quote: quote.coin.coin_id,
}
HIGHEST_PAGE = 10**6
UNKNOWN = ("ath", "ath_change_percentage", "ath_date", "atl", "atl_change_percentage", "atl_date")


def answer(board: Board, currency: str, params: Parameters, site: str) -> tuple[list[dict[str, Any]], Sequence[Quote]]:
    """Return the rows of the page that is asked for, and their quotes; *site* begins the addresses of images."""
    spans = read_spans(params)
    quotes = _choose_page(_sort(_choose_quotes(board, params), params), params)
    ids = [quote.coin.coin_id for quote in quotes]
    past = read_past(ids, [currency], [SPANS[span] for span in spans])
    lines = read_lines(ids, currency) if read_flag(params, "sparkline") else None
    precision = read_precision(params)
    rows = []
    for quote in quotes:
        row = _describe(board, quote, currency, precision, site)
        if read_flag(params, "include_rehypothecated"):
            row["market_cap_rank_with_rehypothecated"] = None
        if lines is not None:
            row["sparkline_in_7d"] = {"price": lines[quote.coin.coin_id]}
        row |= {f"price_change_percentage_{s}_in_currency": change(board, quote, currency, past, s) for s in spans}
        rows.append(row)
    return rows, quotes


def read_spans(params: Parameters) -> list[str]:
    """Return the spans of changes that are asked for; unknown ones are left out, as CoinGecko does."""
    wanted = read_codes(params.get("price_change_percentage", ""))
    return [span for span in OFFERED_SPANS if span in wanted]


def change(board: Board, quote: Quote, currency: str, past: Past, span: str) -> Decimal | None:
    """Return by how many percent the price has changed; that of 24 hours is the board's own where it has one."""
    if span == "24h" and (told := board.change_pct(quote, currency)) is not None:
        return told
    price, before = board.price(quote, currency), past.price(quote.coin.coin_id, currency, SPANS[span])
    return None if price is None or not before else CONVERTED.multiply(100, CONVERTED.divide(price, before) - 1)


def _choose_quotes(board: Board, params: Parameters) -> list[Quote]:
    kind, coins = choose_coins(board, params)
    named = board.quotes if kind is None else [coin.coin_id for coin in coins]
    quotes = (board.quotes[coin_id] for coin_id in named if coin_id in board.quotes)
    # We know of no categories, so no coin is in one.
    return [] if "category" in params else [quote for quote in quotes if quote.price is not None]


def _sort(quotes: Collection[Quote], params: Parameters) -> list[Quote]:
    name, _, direction = params.get("order", "market_cap_desc").strip().lower().rpartition("_")
    if name not in ORDERS or direction not in ("asc", "desc"):
        name, direction = "market_cap", "desc"
    in_place = sorted(quotes, key=lambda quote: quote.coin.place)
    known = [quote for quote in in_place if ORDERS[name](quote) is not None]
    known.sort(key=ORDERS[name], reverse=direction == "desc")
    return [*known, *(quote for quote in in_place if ORDERS[name](quote) is None)]


def _choose_page(quotes: Sequence[Quote], params: Parameters) -> Sequence[Quote]:
    size = read_number(params, "per_page", DEFAULT_PAGE, MOST_A_PAGE)
    begin = (read_number(params, "page", 1, HIGHEST_PAGE) - 1) * size
    return quotes[begin : begin + size]


def _describe(board: Board, quote: Quote, currency: str, precision: int | None, site: str) -> dict[str, Any]:
    coin, price, before = quote.coin, board.price(quote, currency), board.price_before(quote, currency)
    assert price is not None
    assert quote.observed_at is not None
    return {
        "id": coin.coin_id,
        "symbol": coin.symbol.lower(),
        "name": coin.name,
        "image": image_url(site, coin),
        "current_price": round_price(price, precision),
        "market_cap": board.convert(quote.market_cap, currency),
        "market_cap_rank": None,
        "fully_diluted_valuation": None,
        "total_volume": board.convert(quote.volume, currency),
        "high_24h": board.convert(quote.high, currency),
        "low_24h": board.convert(quote.low, currency),
        "price_change_24h": None if before is None else CONVERTED.subtract(price, before),
        "price_change_percentage_24h": board.change_pct(quote, currency),
        "market_cap_change_24h": None,
        "market_cap_change_percentage_24h": None,
        **dict.fromkeys(("circulating_supply", "total_supply", "max_supply")),
        **dict.fromkeys(UNKNOWN),
        "roi": None,
        "last_updated": time_text(quote.observed_at),
    }
