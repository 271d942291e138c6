"""Boards to publish in tests: the store and the wire are the real ones, only the prices are made up."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from threading import Event, Thread

from rates import publication, store
from rates.store import Change, Saved
from rates.types import Fragment, HistoryPoint, Rate, Row, time_text

# How many boards were stored: each has updates of a later second.
_saved = count()


def fragments(**prices: str | None) -> dict[str, Fragment]:
    """Return the coins as they are published, in the order given."""
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    rates = {s: Rate(s, Decimal(price), None, None, "kraken", now, now) for s, price in prices.items() if price}
    return {symbol: publication.encode_row(Row(symbol, symbol.title(), rates.get(symbol))) for symbol in prices}


def save(**prices: str | None) -> Saved:
    """Store the next board without telling anybody."""
    moment = time_text(datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(seconds=next(_saved)))
    points = {s: HistoryPoint(price, moment) for s, price in prices.items() if price}
    return store.update_board(lambda _: Change(datetime.now(UTC), fragments(**prices), {}, points))


def publish(**prices: str | None) -> Saved:
    """Store the next board and publish it."""
    saved = save(**prices)
    publication.publish(saved.snapshot, saved.changed, saved.removed)
    return saved


@contextmanager
def publishing(every: float, **prices: str | None) -> Iterator[None]:
    """Publish a board again and again, *every* so many seconds: a stream waits for events, and a board grows old."""
    stop = Event()
    publish(**prices)

    def go_on() -> None:
        while not stop.wait(every):
            publish(**prices)

    thread = Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
