"""
Makes the publications of `fan_out.py`: `once` fills the board, `serve` publishes with each line of its input, `text`
prints the frame that a socket gets.
"""

import os
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from rates import board, publication, store
from rates.models import Coin
from rates.types import Rate, Snapshot

COINS = [
    Coin(symbol=f"C{i:03}", name=f"Coin {i}", coingecko_id=f"coin-{i}", position=i)
    for i in range(int(os.environ["BENCHMARK_COINS"]))
]


def publish(number: int) -> store.Saved:
    """Publish a board on which every price has changed."""
    now = datetime.now(UTC)
    price = Decimal("63250.12") + Decimal(number % 100) / 100
    rates = [Rate(c.symbol, price, Decimal("-1.41"), Decimal("28123456789.1"), "simulated", now, now) for c in COINS]
    saved = store.update_board(lambda memory: board.revise(memory, COINS, rates, now))
    publication.publish(saved.snapshot, saved.changed, saved.removed)
    return saved


def main() -> None:
    """Do what the first argument says."""
    saved = publish(0)
    if sys.argv[1] == "serve":
        for number, _ in enumerate(sys.stdin, 1):
            publish(number)
    if sys.argv[1] == "text":
        old = saved.snapshot
        print(publication.update_text(Snapshot(old.epoch, 0, old.as_of, old.fragments), old.fragments, ()))


if __name__ == "__main__":
    main()
