"""Settings, and every way to start. Ctrl-C is no error, so none of them prints a traceback for it."""

import sys
from types import TracebackType


def print_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Print an exception that ends this process, as long as nothing is logged yet."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = print_uncaught
