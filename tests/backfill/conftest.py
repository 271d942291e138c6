"""Three vendors that have the past of a coin."""

import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from rates.history import archive
from rates.history.candles import MINUTE, Candle, floor_time
from rates.models import Coin
from tests.backfill.past import BTC, PATIENCE, TETHER_USD, Vendors
from tests.boards import publish
from tests.coins import pairs
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.kraken import Kraken


@pytest.fixture
def vendors(binance: Binance, kraken: Kraken, coingecko: CoinGecko, settings: Settings) -> Iterator[Vendors]:
    """All three well; BTC and USDT/USD have been published in the last minute that is over."""
    settings.RATES_SOURCES, settings.RATES_STREAM, settings.RATES_BACKFILL = (
        ["coingecko", "binance", "kraken"],
        [],
        True,
    )
    settings.RATES_STALE_AFTER = PATIENCE
    Coin.objects.all().delete()
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
    publish(BTC="63250.12")
    for pair, price in ((BTC, binance.prices["BTC"] * binance.prices["USDT"]), (TETHER_USD, binance.prices["USDT"])):
        minute = floor_time(time.time(), MINUTE) - 4 * MINUTE
        for at in range(minute, minute + 4 * MINUTE, MINUTE):
            archive.write_candles(MINUTE, {pair: [Candle(at, *4 * [price], 12, "kraken", False)]})
    return {"binance": binance, "kraken": kraken, "coingecko": coingecko}
