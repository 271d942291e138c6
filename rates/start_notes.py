"""
What a process says at its start beside what it refuses: how it reaches the vendors, and what is not prepared.

Tested in `tests/test_start_notes.py`.
"""

import logging
import os
import time
from contextlib import closing
from pathlib import Path
from threading import Thread

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.db import DatabaseError, connection

from rates.exceptions import one_line
from rates.models import Coin
from rates.outbound.dialing import connect
from rates.outbound.errors import describe
from rates.outbound.proxies import Proxy, read_proxy

logger = logging.getLogger(__name__)

# Seconds until a proxy counts as one that cannot be reached.
PROXY_TIMEOUT = 5.0
# Names that other programs read.
OTHER_NAMES = ("ALL_PROXY", "all_proxy")


def note_proxies() -> None:
    """Log which proxies are used, soon also which is down, and a proxy that is set under another name."""
    for url, name in _proxies().items():
        proxy = read_proxy(url)
        logger.info("outgoing connections use the proxy %s (%s)", proxy.name, name)
        Thread(target=_try_proxy, args=(proxy, name), daemon=True).start()
    if not (settings.HTTP_PROXY or settings.HTTPS_PROXY):
        for name in filter(os.environ.get, OTHER_NAMES):
            logger.warning("%s is set and not used: set HTTPS_PROXY and HTTP_PROXY", name)


def _proxies() -> dict[str, str]:
    """Return the names of the settings by the address of their proxy."""
    found: dict[str, list[str]] = {}
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        if url := getattr(settings, name):
            found.setdefault(url, []).append(name)
    return {url: ", ".join(names) for url, names in found.items()}


def _try_proxy(proxy: Proxy, name: str) -> None:
    try:
        connect(proxy.host, proxy.port, time.monotonic() + PROXY_TIMEOUT).close()
    except OSError as error:
        logger.warning("the proxy %s (%s) cannot be reached: %s", proxy.name, name, describe(error))


def note_preparation() -> None:
    """Log what a web process lacks: static files that are collected, and in a while, tables."""
    if not settings.DEBUG and not Path(settings.STATIC_ROOT, ManifestFilesMixin.manifest_name).is_file():
        logger.warning(
            "static files are not collected, or with DEBUG on, so browsers ask for them again and again: "
            "run manage.py collectstatic"
        )
    Thread(target=_try_tables, daemon=True).start()


def _try_tables() -> None:
    try:
        with closing(connection):
            missing = find_missing_tables()
            # It names a column that is missing.
            Coin.objects.first()
    except DatabaseError as error:
        logger.warning("the database cannot be used: %s", one_line(error))
        return
    if missing:
        logger.warning("the database lacks tables: %s; run manage.py migrate", ", ".join(missing))


def find_missing_tables() -> list[str]:
    """Return the tables of our models, and of those of Django's that are in use, that the database does not have."""
    needed = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    return sorted(needed.difference(connection.introspection.table_names()))
