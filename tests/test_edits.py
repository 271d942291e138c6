"""The coin list is edited while prices are on their way: what staff have saved is what the next board shows."""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from rates import feed, store
from rates.models import Coin
from rates.types import Rate
from tests.coins import pairs
from tests.stand_ins.coingecko import CoinGecko

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class SlowCoinGecko(CoinGecko):
    """One that takes so long to answer that *edit* happens meanwhile."""

    edit: Callable[[], object] = list

    def price_body(self, ids: Iterable[str], codes: Iterable[str], included: Collection[str], fault: str) -> str:
        """Return the body for what was asked before the edit."""
        elsewhere(self.edit)
        return super().price_body(ids, codes, included, fault)


def elsewhere(edit: Callable[[], object]) -> None:
    """Do *edit* as another process does: with a connection of its own."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(edit).result()
        thread.submit(lambda: connection.close()).result()


@pytest.fixture(autouse=True)
def coins(settings: Settings) -> list[Coin]:
    settings.RATES_SOURCES, settings.RATES_STREAM = ["coingecko"], []
    names = (("BTC", "bitcoin"), ("ETH", "ethereum"))
    return [Coin.objects.create(symbol=s, name=s, coingecko_id=i, **pairs(s)) for s, i in names]


def tick_during(edit: Callable[[], object], settings: Settings) -> dict[str, str | None]:
    """Return the prices that a tick publishes during which *edit* is done."""
    with SlowCoinGecko(edit=edit) as coingecko:
        settings.COINGECKO_API_URL = coingecko.url
        return prices(feed.run_tick().saved)


def prices(saved: store.Saved) -> dict[str, str | None]:
    return {symbol: fragment.price for symbol, fragment in saved.snapshot.fragments.items()}


def test_a_tick_does_not_undo_the_edits_that_it_took_place_in(coins: list[Coin], settings: Settings) -> None:
    def edit() -> None:
        coins[1].enabled = False
        coins[1].save()
        Coin.objects.create(symbol="SOL", name="Solana", coingecko_id="solana", position=1)

    assert tick_during(edit, settings) == {"BTC": "63250.12", "SOL": None}


@pytest.mark.parametrize("field", ["coingecko_id", "binance_symbol"])
def test_an_answer_about_another_coin_is_not_shown(field: str, settings: Settings) -> None:
    edited = tick_during(lambda: Coin.objects.filter(symbol="ETH").update(**{field: "solana"}), settings)
    assert edited == {"BTC": "63250.12", "ETH": None}


def test_what_a_stream_said_of_another_coin_is_not_shown(coins: list[Coin], settings: Settings) -> None:
    """Streams follow the list some seconds later."""
    settings.RATES_STREAM = ["binance"]
    now = datetime.now(UTC)
    rates = [Rate(coin.symbol, Decimal(5), None, None, "binance", now, now) for coin in coins]
    Coin.objects.filter(symbol="ETH").update(**pairs("SOL"))
    assert prices(feed.publish_streamed(rates, coins)) == {"BTC": "5", "ETH": None}
    assert prices(feed.publish_streamed(rates, list(Coin.objects.all()))) == {"BTC": "5", "ETH": "5"}


def test_an_edit_that_another_process_has_published_is_not_undone() -> None:
    """The list is edited, and published, right after the first of two publishers has read it."""
    pending = [lambda: Coin.objects.filter(symbol="ETH").delete(), feed.publish_coins]

    def overtake(execute: Callable[..., Any], *query: Any) -> Any:
        answer = execute(*query)
        while pending:
            elsewhere(pending.pop(0))
        return answer

    with connection.execute_wrapper(overtake):
        saved = feed.publish_coins()
    assert list(saved.snapshot.fragments) == ["BTC"]
    assert saved.snapshot == store.load_snapshot()


def test_a_price_of_the_pair_that_was_corrected_is_not_shown_any_more(coins: list[Coin], settings: Settings) -> None:
    settings.RATES_STREAM = ["binance"]
    now = datetime.now(UTC)
    feed.publish_streamed([Rate(coin.symbol, Decimal(5), None, None, "binance", now, now) for coin in coins], coins)
    Coin.objects.filter(symbol="ETH").update(binance_symbol="ETHUSDT2")
    assert prices(feed.publish_coins()) == {"BTC": "5", "ETH": None}
    right = Rate("ETH", Decimal(50), None, None, "binance", now, now)
    assert prices(feed.publish_streamed([right], list(Coin.objects.all()))) == {"BTC": "5", "ETH": "50"}
