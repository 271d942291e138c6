"""What every test gets: an empty Valkey."""

import pytest

from rates import store


@pytest.fixture(autouse=True)
def empty_store() -> None:
    """Forget what the test before left in Redis."""
    store.client().flushall()
