"""The stand-ins as fixtures; the settings of the test point to them."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from rates.outbound import http  # noqa: F401 - as in a worker: no call may spend its deadline on imports
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.ecb import CentralBank
from tests.stand_ins.kraken import Kraken


@pytest.fixture
def coingecko(settings: Settings) -> Iterator[CoinGecko]:
    """CoinGecko, well."""
    with CoinGecko() as stand_in:
        settings.COINGECKO_API_URL = stand_in.url
        yield stand_in


@pytest.fixture
def binance(settings: Settings) -> Iterator[Binance]:
    """Binance, well."""
    with Binance() as stand_in:
        settings.BINANCE_WS_API_URL = f"{stand_in.url}/ws-api/v3"
        settings.BINANCE_STREAM_URL = stand_in.url
        settings.BINANCE_API_URL = stand_in.history_url
        yield stand_in


@pytest.fixture
def kraken(settings: Settings) -> Iterator[Kraken]:
    """Kraken, well."""
    with Kraken() as stand_in:
        settings.KRAKEN_WS_URL = f"{stand_in.url}/v2"
        settings.KRAKEN_API_URL = stand_in.history_url
        yield stand_in


@pytest.fixture
def central_bank(settings: Settings) -> Iterator[CentralBank]:
    """The European Central Bank, well."""
    with CentralBank() as stand_in:
        settings.ECB_RATES_URL = stand_in.url
        yield stand_in
