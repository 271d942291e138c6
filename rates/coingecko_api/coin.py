"""
`/coins/{id}` and `/coins/{id}/history`: all about one coin, now and at 0:00 UTC of a day.

Figures of `market_data` are objects by currency. What we do not know is null, or empty where there would be a list.

Tested in `tests/coingecko_api/test_coin.py`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from rates.coingecko_api.board import CONVERTED, Board, Quote
from rates.coingecko_api.images import image_urls
from rates.coingecko_api.markets import SPANS, UNKNOWN, change
from rates.coingecko_api.parameters import Parameters, read_flag
from rates.coingecko_api.past import read_day, read_lines, read_past
from rates.types import time_text

COMMUNITY = (
    *("facebook_likes", "reddit_average_posts_48h", "reddit_average_comments_48h", "reddit_subscribers"),
    *("reddit_accounts_active_48h", "telegram_channel_user_count"),
)
DEVELOPER = (
    *("forks", "stars", "subscribers", "total_issues", "closed_issues", "pull_requests_merged"),
    *("pull_request_contributors", "commit_count_4_weeks"),
)
LINK_LISTS = ("homepage", "blockchain_site", "official_forum_url", "chat_url", "announcement_url")
LINK_NAMES = (
    *("whitepaper", "snapshot_url", "twitter_screen_name", "facebook_username", "bitcointalk_thread_identifier"),
    *("telegram_channel_identifier", "subreddit_url"),
)
# Figures of `market_data` that we cannot know: those by currency, and plain ones.
UNKNOWN_BY_CURRENCY = (*UNKNOWN, "fully_diluted_valuation", "market_cap_change_24h_in_currency")
UNKNOWN_FIGURES = (
    *("total_value_locked", "mcap_to_tvl_ratio", "fdv_to_tvl_ratio", "roi", "market_cap_rank"),
    *("market_cap_rank_with_rehypothecated", "market_cap_fdv_ratio", "market_cap_change_24h"),
    *("market_cap_change_percentage_24h", "total_supply", "max_supply", "max_supply_infinite", "circulating_supply"),
)


def describe(board: Board, quote: Quote, params: Parameters, site: str) -> dict[str, Any]:
    """Return the body of `/coins/{id}`; *site* begins the addresses of images."""
    wanted = {part for part in ("localization", "market_data", "community_data", "developer_data", "tickers")
              if read_flag(params, part, default=True)}  # fmt: skip
    updated = quote.observed_at and time_text(quote.observed_at)
    coin = quote.coin
    more: Mapping[str, Callable[[], Any]] = {
        "localization": lambda: {"en": coin.name},
        "market_data": lambda: _describe_market(board, quote, read_flag(params, "sparkline")),
        "community_data": lambda: dict.fromkeys(COMMUNITY),
        "developer_data": lambda: _describe_development(),
        "tickers": list,
    }
    parts = {name: make() for name, make in more.items() if name in wanted}
    details: dict[str, Any] = {"categories_details": []} if read_flag(params, "include_categories_details") else {}
    return {
        **_head(quote),
        "web_slug": coin.coin_id,
        "asset_platform_id": None,
        "platforms": {"": ""},
        "detail_platforms": {"": {"decimal_place": None, "contract_address": ""}},
        "block_time_in_minutes": None,
        "hashing_algorithm": None,
        "categories": [],
        **details,
        "preview_listing": False,
        "public_notice": None,
        "additional_notices": [],
        **{name: parts[name] for name in ("localization",) if name in parts},
        "description": {"en": ""},
        "links": _describe_links(),
        "image": image_urls(site, coin, "thumb", "small", "large"),
        "country_origin": "",
        "genesis_date": None,
        "has_supply_breakdown": False,
        **dict.fromkeys(("sentiment_votes_up_percentage", "sentiment_votes_down_percentage")),
        "watchlist_portfolio_users": None,
        **dict.fromkeys(("market_cap_rank", "market_cap_rank_with_rehypothecated")),
        **{name: parts[name] for name in ("market_data", "community_data", "developer_data") if name in parts},
        "status_updates": [],
        "last_updated": updated,
        **{name: parts[name] for name in ("tickers",) if name in parts},
    }


def _head(quote: Quote) -> dict[str, Any]:
    return {"id": quote.coin.coin_id, "symbol": quote.coin.symbol.lower(), "name": quote.coin.name}


def _describe_links() -> dict[str, Any]:
    lists: dict[str, Any] = {name: [] for name in LINK_LISTS}
    return {**lists, **dict.fromkeys(LINK_NAMES), "repos_url": {"github": [], "bitbucket": []}}


def _describe_development() -> dict[str, Any]:
    changes = {"code_additions_deletions_4_weeks": {"additions": None, "deletions": None}}
    return {**dict.fromkeys(DEVELOPER), **changes, "last_4_weeks_commit_activity_series": []}


def _describe_market(board: Board, quote: Quote, sparkline: bool) -> dict[str, Any]:
    currencies = [] if quote.price is None else list(board.worths)
    base = settings.QUOTE_CURRENCY

    def in_all(find: Callable[[str], Any]) -> dict[str, Any]:
        return {code: find(code) for code in currencies}

    def amounts(value: Decimal | None) -> dict[str, Any]:
        return in_all(lambda code: board.convert(value, code))

    past = read_past([quote.coin.coin_id], currencies, list(SPANS.values()))
    changes = {span: {code: change(board, quote, code, past, span) for code in currencies} for span in SPANS}
    line = {"sparkline_7d": {"price": read_lines([quote.coin.coin_id], base)[quote.coin.coin_id]}} if sparkline else {}
    moved = in_all(lambda code: _change_24h(board, quote, code))
    return {
        "current_price": in_all(lambda code: board.price(quote, code)),
        **dict.fromkeys(UNKNOWN_FIGURES),
        **{name: in_all(lambda code: None) for name in UNKNOWN_BY_CURRENCY},
        "market_cap": amounts(quote.market_cap),
        "total_volume": amounts(quote.volume),
        "high_24h": amounts(quote.high),
        "low_24h": amounts(quote.low),
        "price_change_24h": moved.get(base),
        **{f"price_change_percentage_{span}": told.get(base) for span, told in changes.items() if span != "1h"},
        "price_change_24h_in_currency": moved,
        **{f"price_change_percentage_{span}_in_currency": told for span, told in changes.items()},
        "market_cap_change_percentage_24h_in_currency": in_all(lambda code: None),
        **line,
        "last_updated": quote.observed_at and time_text(quote.observed_at),
    }


def _change_24h(board: Board, quote: Quote, currency: str) -> Decimal | None:
    price, before = board.price(quote, currency), board.price_before(quote, currency)
    return None if price is None or before is None else CONVERTED.subtract(price, before)


def describe_day(board: Board, quote: Quote, day: datetime, params: Parameters, site: str) -> dict[str, Any]:
    """Return the body of `/coins/{id}/history`; without `market_data` where there is no price of that day."""
    names = {"localization": {"en": quote.coin.name}} if read_flag(params, "localization", default=True) else {}
    body = {**_head(quote), **names, "image": image_urls(site, quote.coin, "thumb", "small")}
    prices = read_day(quote.coin.coin_id, list(board.worths), day.timestamp())
    if prices:
        unknown = dict.fromkeys(prices)
        body["market_data"] = {"current_price": prices, "market_cap": unknown, "total_volume": unknown}
    return {
        **body,
        "community_data": dict.fromkeys(COMMUNITY),
        "developer_data": _describe_development(),
        "public_interest_stats": {"alexa_rank": None, "bing_matches": None},
    }
