"""
Settings, and every way to start.

    settings                        every setting
    environment, env_file           reading variables and `.env`; what cannot be used is refused
    addresses, currencies, jwt_key  readers of values that are more than a word or a number
    database_address, redis_address the same, for what libraries want of them
    asgi, urls, static              the web application
    celery                          Celery, and what it has no setting for
    launcher, prepare, supervisor   `make run`, one after the other
    clean                           `make clean`
    folder, local, embedded_redis   what a folder without settings has of its own, in `var/`
    logging, masking                how logs look; secrets never appear
    outage_filter, client_fault_filter   one line where libraries would write many
    console, error_pages            what is said outside the log

Ctrl-C is no error, so none of them prints a traceback for it.
"""

import sys
from types import TracebackType


def print_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Print an exception that ends this process, as long as nothing is logged yet."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = print_uncaught
