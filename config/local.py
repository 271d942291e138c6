"""
What this folder has of its own while nothing else is configured: the database and the Redis that `make run` prepares.

Whatever a person types behaves as `make run` does here: it uses the same two, and prepares them when it comes first.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

from django.apps import AppConfig
from django.conf import settings

from config import embedded_redis, folder
from config.console import refuse_start, tell

# What of `manage.py` uses the tables, and what uses Redis too.
DATABASE_COMMANDS = ("changepassword", "createsuperuser", "dbshell")
SERVICE_COMMANDS = ("backfill", "runserver", "serve", "shell", "stream_rates")


def prepare_for(command: str = "help") -> None:
    """Prepare what a command of `manage.py` needs."""
    if command in DATABASE_COMMANDS:
        prepare_own_database()
    if command in SERVICE_COMMANDS:
        prepare()


def prepare() -> None:
    """Be a process of this folder's service, with a database and a Redis."""
    if not settings.DEBUG:
        # A container cannot write here.
        with suppress(OSError):
            folder.join()
        return
    with folder.own_files():
        folder.join()
        prepare_own_database()
        if embedded_redis.is_own(settings.REDIS_URL):
            embedded_redis.start()


def prepare_own_database() -> None:
    """Prepare the database of this folder when it needs that; any other one is its operator's."""
    path = folder.DATA_DIR / "db.sqlite3"
    is_own = settings.DEBUG and Path(settings.DATABASES["default"]["NAME"]) == path
    if is_own and not is_up_to_date(path):
        for line in prepare_database():
            tell(line)


def is_up_to_date(database: Path) -> bool:
    """Return whether every migration has run there, and there are coins."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            done = {tuple(row) for row in connection.execute("SELECT app, name FROM django_migrations")}
            [has_coins] = connection.execute("SELECT EXISTS (SELECT 1 FROM rates_coin)").fetchone()
    except sqlite3.Error:
        return False
    return bool(has_coins) and done.issuperset(_migrations())


def _migrations() -> Iterator[tuple[str, str]]:
    for app in map(AppConfig.create, settings.INSTALLED_APPS):
        found = find_spec(f"{app.name}.migrations")
        for module in iter_modules(found.submodule_search_locations if found else []):
            yield app.label, module.name


def prepare_database() -> list[str]:
    """Bring the tables up to date and fill an empty coin list; return what there is to say about it."""
    with folder.lock("prepare.lock"):
        return [line for command in (("migrate", "--verbosity", "0"), ("seed_coins",)) for line in _manage(*command)]


def _manage(*command: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=folder.BASE_DIR, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        refuse_start(f"The database cannot be prepared (manage.py {command[0]}): {reason}")
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]
