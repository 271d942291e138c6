"""The service with a board and a year of history, on uvicorn, once for all tests of this folder."""

import asyncio
import socket
import time
from collections.abc import Iterator
from threading import Thread

import pytest
import uvicorn
from django.core.handlers.asgi import ASGIHandler
from pytest_django import DjangoDbBlocker, Settings

from rates import store
from rates.coingecko_api.board import board_reader
from rates.coingecko_api.catalog import catalog_reader
from rates.fanout.hub import get_hub
from rates.models import Coin, Series, StoredCandle
from rates.routing import open_gate
from rates.signals import edit_publisher
from tests.coingecko_api.market import MARKET_CAPS, Api, make_snapshot, store_coins, store_history


@pytest.fixture(scope="package")
def address(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The address of the service, which has coins and candles."""
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    config = uvicorn.Config(open_gate(ASGIHandler()), lifespan="off", access_log=False, log_config=None)
    server = uvicorn.Server(config)
    # `serve` would take the signals of the test run.
    thread = Thread(target=lambda: asyncio.run(server._serve([listener])))
    with django_db_blocker.unblock():
        store_coins()
        store_history()
        edit_publisher.wait()
        thread.start()
        yield f"http://{host}:{port}"
        server.should_exit = True
        thread.join()
        for model in (Coin, StoredCandle, Series):
            model.objects.all().delete()
        edit_publisher.wait()


@pytest.fixture(autouse=True)
def board(settings: Settings) -> None:
    """Publish a board that stays fresh for as long as a test takes."""
    settings.RATES_STALE_AFTER = 3600.0
    settings.RATES_API_RATE = 0
    for cached in (get_hub, board_reader, catalog_reader):
        cached.cache_clear()
    store.save_market_caps(MARKET_CAPS, "usd", time.time())
    get_hub().snapshot = make_snapshot()


@pytest.fixture
def api(address: str) -> Api:
    """The API as a program without any library asks it."""
    return Api(f"{address}/api/v3")
