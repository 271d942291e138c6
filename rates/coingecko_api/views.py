"""
The paths under `/api/v3/`, each from a request to the answer of one module.

Tested in `tests/coingecko_api/test_replies.py`.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse

from rates.coingecko_api import charts, coin, exchange_rates, images, markets, simple_price
from rates.coingecko_api.board import Board, Quote, board_reader
from rates.coingecko_api.parameters import Parameters, Refusal, read_codes, read_date, read_flag, read_query, require
from rates.coingecko_api.replies import Reply, endpoint
from rates.symbols import fold

# Seconds that caches may keep what is no price, and a picture.
LIST_AGE, IMAGE_AGE = 300, 86400
MOST_FOUND = 100


def _params(request: HttpRequest) -> Parameters:
    return read_query(request.META.get("QUERY_STRING", ""))


def _site(request: HttpRequest) -> str:
    return request.build_absolute_uri(f"{request.META.get('SCRIPT_NAME', '')}/")


def load_board() -> Board:
    """Return the newest board; without any price there is none."""
    board = board_reader().read()
    if board is None or all(quote.price is None for quote in board.quotes.values()):
        raise Refusal(503, "no prices yet; try again", retry_after=5)
    return board


def _find_quote(board: Board, coin_id: str) -> Quote:
    quote = board.quotes.get(coin_id.strip().lower())
    if quote is None:
        raise Refusal(404, "coin not found")
    return quote


def _find_currency(board: Board, params: Parameters) -> str:
    currency = require(params, "vs_currency").strip().lower()
    if currency not in board.worths:
        raise Refusal(400, "invalid vs_currency")
    return currency


@endpoint
def ping(_request: HttpRequest) -> Reply:
    """Answer that we are here."""
    return Reply({"gecko_says": "(V3) To the Moon!"})


@endpoint
def price(request: HttpRequest) -> Reply:
    """Answer with current prices of some coins."""
    board, params = load_board(), _params(request)
    body, quotes = simple_price.answer(board, params)
    codes = [code for code in read_codes(params["vs_currencies"]) if code in board.worths]
    return Reply(body, quotes=quotes, worths=[board.worths[code] for code in codes])


@endpoint
def supported_vs_currencies(_request: HttpRequest) -> Reply:
    """Answer with the currencies that prices can be told in."""
    return Reply(exchange_rates.sort_codes(load_board()))


@endpoint
def rates(_request: HttpRequest) -> Reply:
    """Answer with what one bitcoin is worth."""
    board = load_board()
    return Reply(exchange_rates.answer(board), quotes=[board.quotes["bitcoin"]])


@endpoint
def coins_list(request: HttpRequest) -> Reply:
    """Answer with our coins, by id; none of them is inactive."""
    params, board = _params(request), load_board()
    platforms: dict[str, Any] = {"platforms": {}} if read_flag(params, "include_platform") else {}
    active = params.get("status", "active").strip().lower() != "inactive"
    listed = sorted(board.quotes) if active else []
    coins = (board.catalog.coins[coin_id] for coin_id in listed)
    return Reply([{"id": c.coin_id, "symbol": c.symbol.lower(), "name": c.name, **platforms} for c in coins], LIST_AGE)


@endpoint
def coins_markets(request: HttpRequest) -> Reply:
    """Answer with a row for each coin."""
    params, board = _params(request), load_board()
    currency = _find_currency(board, params)
    rows, quotes = markets.answer(board, currency, params, _site(request))
    return Reply(rows, quotes=quotes, worths=[board.worths[currency]])


@endpoint
def coin_by_id(request: HttpRequest, coin_id: str) -> Reply:
    """Answer with all about one coin."""
    board = load_board()
    quote = _find_quote(board, coin_id)
    return Reply(coin.describe(board, quote, _params(request), _site(request)), quotes=[quote])


@endpoint
def history(request: HttpRequest, coin_id: str) -> Reply:
    """Answer with the price of a coin at the beginning of a day."""
    board, params = load_board(), _params(request)
    quote = _find_quote(board, coin_id)
    return Reply(coin.describe_day(board, quote, read_date(params), params, _site(request)), LIST_AGE)


@endpoint
def market_chart(request: HttpRequest, coin_id: str) -> Reply:
    """Answer with the prices of the last days."""
    board, params = load_board(), _params(request)
    quote, currency = _find_quote(board, coin_id), _find_currency(board, params)
    return Reply(charts.market_chart(board, quote, currency, params), quotes=[quote], worths=[board.worths[currency]])


@endpoint
def market_chart_range(request: HttpRequest, coin_id: str) -> Reply:
    """Answer with the prices between two moments."""
    board, params = load_board(), _params(request)
    quote, currency = _find_quote(board, coin_id), _find_currency(board, params)
    return Reply(
        charts.market_chart_range(board, quote, currency, params), quotes=[quote], worths=[board.worths[currency]]
    )


@endpoint
def ohlc(request: HttpRequest, coin_id: str) -> Reply:
    """Answer with candles of the last days."""
    board, params = load_board(), _params(request)
    quote, currency = _find_quote(board, coin_id), _find_currency(board, params)
    return Reply(charts.ohlc(quote, currency, params), quotes=[quote], worths=[board.worths[currency]])


@endpoint
def search(request: HttpRequest) -> Reply:
    """Answer with those of our coins whose id, name or symbol has the words that are looked for."""
    words = fold(_params(request).get("query", "").strip())
    coins = [
        q.coin for q in load_board().quotes.values() if words in fold(f"{q.coin.coin_id} {q.coin.name} {q.coin.symbol}")
    ]
    exact = sorted(coins, key=lambda c: words not in (fold(c.symbol), fold(c.name), c.coin_id))
    found = [
        {
            "id": c.coin_id,
            "name": c.name,
            "api_symbol": c.coin_id,
            "symbol": c.symbol.upper(),
            "market_cap_rank": None,
            **images.image_urls(_site(request), c, "thumb", "large"),
        }
        for c in exact[:MOST_FOUND]
    ]
    return Reply({"coins": found, "exchanges": [], "icos": [], "categories": [], "nfts": []}, LIST_AGE)


@endpoint
def image(_request: HttpRequest, coin_id: str) -> HttpResponse:
    """Answer with the picture of a coin."""
    quote = _find_quote(load_board(), coin_id)
    headers = {"Cache-Control": f"public, max-age={IMAGE_AGE}"}
    return HttpResponse(images.draw(quote.coin.symbol), content_type="image/svg+xml", headers=headers)
