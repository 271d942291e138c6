"""
Answers of CoinGecko about bitcoin, as its documents of June 2026 have them: every key, values of the right type.

Reference: https://docs.coingecko.com/reference, and coingecko/coingecko-api-oas. Numbers are examples; texts and lists
are shortened.
"""

import json
from typing import Any

MOMENT = "2026-05-18T12:49:21.599Z"
IMAGE = "https://coin-images.coingecko.com/coins/images/1/large/bitcoin.png?1696501400"
RANK: dict[str, Any] = {"market_cap_rank": 1}
COIN: dict[str, Any] = {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin"}
SPANS = ("1h", "24h", "7d", "14d", "30d", "60d", "200d", "1y")


def _by_currency(value: Any = 77000.5) -> dict[str, Any]:
    return {"btc": value, "eur": value, "usd": value}


MARKETS = [
    {
        **COIN, "image": IMAGE, "current_price": 76975, "market_cap": 1542226908349, "market_cap_rank": 1,
        "fully_diluted_valuation": 1542226908349, "total_volume": 29096603418, "high_24h": 78245, "low_24h": 76621,
        "price_change_24h": -1100.31, "price_change_percentage_24h": -1.40933, "market_cap_change_24h": -2.2e10,
        "market_cap_change_percentage_24h": -1.42, "circulating_supply": 20029462.0, "total_supply": 20029462.0,
        "max_supply": 21000000.0, "ath": 126080, "ath_change_percentage": -38.9, "ath_date": "2025-10-06T18:57:42.558Z",
        "atl": 67.81, "atl_change_percentage": 113416.1, "atl_date": "2013-07-06T00:00:00.000Z", "roi": None,
        "last_updated": MOMENT, "market_cap_rank_with_rehypothecated": 1, "sparkline_in_7d": {"price": [79612.3]},
        **{f"price_change_percentage_{span}_in_currency": -0.17 for span in SPANS if span != "60d"},
    }
]  # fmt: skip
COMMUNITY = {
    "facebook_likes": None, "reddit_average_posts_48h": 0.0, "reddit_average_comments_48h": 0.0,
    "reddit_subscribers": 0, "reddit_accounts_active_48h": 0, "telegram_channel_user_count": None,
}  # fmt: skip
DEVELOPMENT = {
    "forks": 36426, "stars": 73168, "subscribers": 3967, "total_issues": 7743, "closed_issues": 7380,
    "pull_requests_merged": 11215, "pull_request_contributors": 846,
    "code_additions_deletions_4_weeks": {"additions": 1570, "deletions": -1948}, "commit_count_4_weeks": 108,
    "last_4_weeks_commit_activity_series": [],
}  # fmt: skip
MARKET_DATA = {
    "current_price": _by_currency(), "total_value_locked": None, "mcap_to_tvl_ratio": None, "fdv_to_tvl_ratio": None,
    "roi": None, "ath": _by_currency(), "ath_change_percentage": _by_currency(-38.9), "ath_date": _by_currency(MOMENT),
    "atl": _by_currency(), "atl_change_percentage": _by_currency(), "atl_date": _by_currency(MOMENT),
    "market_cap": _by_currency(), **RANK, "market_cap_rank_with_rehypothecated": 1,
    "fully_diluted_valuation": _by_currency(), "market_cap_fdv_ratio": 1.0, "total_volume": _by_currency(),
    "high_24h": _by_currency(), "low_24h": _by_currency(), "price_change_24h": -1100.3,
    **{f"price_change_percentage_{span}": -1.4 for span in SPANS if span != "1h"},
    "market_cap_change_24h": -2.2e10, "market_cap_change_percentage_24h": -1.42,
    "price_change_24h_in_currency": _by_currency(),
    **{f"price_change_percentage_{span}_in_currency": _by_currency(-1.4) for span in SPANS},
    "market_cap_change_24h_in_currency": _by_currency(), "market_cap_change_percentage_24h_in_currency": _by_currency(),
    "total_supply": 20029462.0, "max_supply": 21000000.0, "max_supply_infinite": False,
    "circulating_supply": 20029462.0, "sparkline_7d": {"price": [79612.3]}, "last_updated": MOMENT,
}  # fmt: skip
LINKS = {
    "homepage": ["http://www.bitcoin.org"], "whitepaper": "https://bitcoin.org/bitcoin.pdf",
    "blockchain_site": ["https://mempool.space/"], "official_forum_url": ["https://bitcointalk.org/"], "chat_url": [],
    "announcement_url": [], "snapshot_url": None, "twitter_screen_name": "bitcoin", "facebook_username": "bitcoins",
    "bitcointalk_thread_identifier": None, "telegram_channel_identifier": "",
    "subreddit_url": "https://www.reddit.com/r/Bitcoin/", "repos_url": {"github": [], "bitbucket": []},
}  # fmt: skip
DETAILS = {
    **COIN, "web_slug": "bitcoin", "asset_platform_id": None, "platforms": {"": ""},
    "detail_platforms": {"": {"decimal_place": None, "contract_address": ""}}, "block_time_in_minutes": 10,
    "hashing_algorithm": "SHA-256", "categories": ["Layer 1 (L1)"],
    "categories_details": [{"id": "layer-1", "name": "Layer 1 (L1)"}], "preview_listing": False, "public_notice": None,
    "additional_notices": [], "localization": {"en": "Bitcoin", "de": "Bitcoin"}, "description": {"en": "Bitcoin is"},
    "links": LINKS, "image": {"thumb": IMAGE, "small": IMAGE, "large": IMAGE}, "country_origin": "",
    "genesis_date": "2009-01-03", "has_supply_breakdown": True, "sentiment_votes_up_percentage": 84.07,
    "sentiment_votes_down_percentage": 15.93, "watchlist_portfolio_users": 1700000, **RANK,
    "market_cap_rank_with_rehypothecated": 1, "market_data": MARKET_DATA, "community_data": COMMUNITY,
    "developer_data": DEVELOPMENT, "status_updates": [], "last_updated": MOMENT, "tickers": [],
}  # fmt: skip
DAY = {
    **COIN, "localization": {"en": "Bitcoin"}, "image": {"thumb": IMAGE, "small": IMAGE},
    "market_data": {"current_price": _by_currency(), "market_cap": _by_currency(), "total_volume": _by_currency()},
    "community_data": COMMUNITY, "developer_data": DEVELOPMENT,
    "public_interest_stats": {"alexa_rank": None, "bing_matches": None},
}  # fmt: skip
CHART_RANGE = {
    "prices": [[1779027899041, 77310.2]], "market_caps": [[1779027899041, 1.5e12]],
    "total_volumes": [[1779027899041, 2.9e10]],
}  # fmt: skip
RATES = {
    "rates": {
        "btc": {"name": "Bitcoin", "unit": "BTC", "value": 1.0, "type": "crypto"},
        "usd": {"name": "US Dollar", "unit": "$", "value": 77671.2, "type": "fiat"},
    }
}
# By the part of the path behind `/api/v3/`.
ANSWERS = {
    "ping": {"gecko_says": "(V3) To the Moon!"},
    "simple/supported_vs_currencies": ["btc", "eur", "usd"],
    "exchange_rates": RATES,
    "coins/markets": MARKETS,
    "coins/bitcoin": DETAILS,
    "coins/bitcoin/history": DAY,
    "coins/bitcoin/market_chart/range": CHART_RANGE,
    "coins/bitcoin/ohlc": [[1779105600000, 77310.2, 77400.1, 77200.3, 77350.4]],
}


def documented(path: str) -> str | None:
    """Return the body for the *path* of a request as JSON; None where the documents have none that does not depend."""
    body = ANSWERS.get(path.partition("/api/v3/")[2].rstrip("/"))
    return None if body is None else json.dumps(body)
