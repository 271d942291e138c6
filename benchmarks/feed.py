"""What the benchmarks of ticks and streams share: an environment with its own Redis and database, and N coins."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fan_out import redis_server
from benchmarks.far_away import move_away
from tests.coins import pairs
from tests.ports import free_port


def symbols(count: int) -> list[str]:
    """Return the symbols of *count* coins."""
    return [f"C{number:03}" for number in range(count)]


@contextmanager
def service(coins: int, away: float = 0.0, **settings: str) -> Iterator[int]:
    """
    Set up Django with *coins* coins, and a Redis to which a round trip takes *away* seconds.

    The value is a free port, which is in the settings too.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url:
        defaults = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "False",
            "HTTPS": "False",
            "LOG_LEVEL": "WARNING",
            "PYTHONWARNINGS": "ignore",
            "SECRET_KEY": "benchmarks-only-" * 4,
            "REDIS_URL": move_away(url, away) if away else url,
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "PORT": str(port),
        }
        os.environ.update(defaults | settings)
        import django  # noqa: PLC0415 - its settings are read from the environment above

        django.setup()
        _fill(coins)
        yield port


def _fill(coins: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from rates.models import Coin  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    Coin.objects.bulk_create(Coin(symbol=s, name=s, coingecko_id=s.lower(), **pairs(s)) for s in symbols(coins))
    connection.close()


def run_each(module: str, arguments: list[list[str]]) -> None:
    """Run this benchmark once for each of *arguments*, in separate processes: Django has one set of settings."""
    for words in arguments:
        os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-m", module, *words])
