"""
Prices of this service for beancount's bean-price; where it is, is in the environment as RATES_URL.

    RATES_URL=http://127.0.0.1:8000 PYTHONPATH=docs/clients bean-price -e USD:rates_source/BTC

A price that is stale or disputed is not handed over: what is stored has no mark.
"""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from beanprice import source

# Seconds.
TIMEOUT = 10


class Source(source.Source):  # type: ignore[misc] # beanprice has no hints
    """Prices by symbol; bean-price looks for this name."""

    def get_latest_price(self, ticker: str) -> source.SourcePrice | None:
        """Return the price of *ticker* on the board; None when there is none that can be trusted."""
        board = ask("/api/rates")
        for coin in board["rates"] if board else []:
            if coin["symbol"].casefold() == ticker.casefold() and coin["price"]:
                doubtful = coin["stale"] or coin["disputed"]
                return None if doubtful else to_price(coin)
        return None

    def get_historical_price(self, ticker: str, time: datetime) -> source.SourcePrice | None:
        """Return the price of *ticker* at *time*; None when there is none that can be trusted."""
        query = urlencode({"time": min(time, datetime.now(UTC)).isoformat()})
        answer = ask(f"/api/rates/{quote(ticker, safe='')}/at?{query}")
        return None if answer is None or answer["disputed"] else to_price(answer)


def ask(path: str) -> dict[str, Any] | None:
    """Return what the service answers; None for 404: it has no such coin, or no price of it then."""
    try:
        with urlopen(os.environ["RATES_URL"].rstrip("/") + path, timeout=TIMEOUT) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except HTTPError as error:
        if error.code == 404:
            return None
        raise


def to_price(answer: dict[str, Any]) -> source.SourcePrice:
    """Return a price with every digit, for prices are strings; only the history says its currency."""
    currency = answer.get("currency")
    observed_at = datetime.fromisoformat(answer["observed_at"])
    return source.SourcePrice(Decimal(answer["price"]), observed_at, currency.upper() if currency else None)
