"""A Redis that says nothing costs a process one wait, not one for each question."""

import socket
import time

import pytest
from pytest_django import Settings

from rates import store
from rates.exceptions import StoreUnavailable
from rates.store.redis_client import SILENCE


def test_after_a_silent_server_nobody_asks_for_a_while(settings: Settings) -> None:
    address = settings.REDIS_URL
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        store.client.cache_clear()
        try:
            with pytest.raises(StoreUnavailable) as first:
                store.load_healths()
            with pytest.raises(StoreUnavailable, match=str(first.value)):
                store.load_healths()
            silent.settimeout(0.2)
            silent.accept()[0].close()
            with pytest.raises(TimeoutError):
                silent.accept()  # the second question did not get as far
        finally:
            settings.REDIS_URL = address
            store.client.cache_clear()
    time.sleep(SILENCE)
    assert store.load_healths() == {}
