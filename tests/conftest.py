"""What every test gets: an empty Valkey, and no publication or outage of the test before."""

from collections.abc import Iterator

import hypothesis
import pytest
from django.conf import settings
from django.utils import translation

from rates import outage_log, store
from rates.history.day_stats import day_reader
from rates.history.recorder import recorder
from rates.signals import edit_publisher
from rates.sources import websocket
from rates.store import coordination, lookups
from rates.store.coin_list import coin_list

# How long an example takes says how busy the machine is, and nothing about the code.
hypothesis.settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")

# Django's own choice takes a third of a second of computing for each password.
QUICK_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"

pytest_plugins = ["tests.stand_ins.fixtures", "tests.canaries", "tests.world"]


def pytest_configure() -> None:
    """Make accounts and logins cheap."""
    settings.PASSWORD_HASHERS = [QUICK_HASHER]


@pytest.fixture(autouse=True)
def default_language() -> None:
    """Forget the language of the last request, which Django leaves active in its thread."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def empty_store() -> None:
    """Forget what the test before left in Redis."""
    store.client().flushall()
    outage_log._told.clear()
    outage_log._faults.clear()
    outage_log._refusals.clear()
    coordination._counted.clear()
    coordination._stored_healths.clear()
    lookups._saved.clear()
    coin_list.__init__()  # type: ignore[misc]
    recorder.cache_clear()
    day_reader.cache_clear()


@pytest.fixture(autouse=True)
def no_kept_sessions() -> Iterator[None]:
    """Let no exchange be asked through a connection of the test before."""
    yield
    websocket.drop_kept()


@pytest.fixture
def _django_db_helper(_django_db_helper: None) -> Iterator[None]:
    """Let the planned publication of edited coins happen while the database may still be used."""
    yield
    edit_publisher.wait()
