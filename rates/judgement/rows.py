"""
The rows of a board as text: one is encoded again only where something that it is made of is another object.

That is so where nothing has changed: for verdicts that still stand, and coins that nobody has edited.

Tested in `tests/judgement/test_standing.py`.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from rates.judgement.ownership import Verdict
from rates.models import Coin
from rates.publication import encode_row
from rates.types import DayStats, Fragment, Row


class _Encoded(Struct):
    """A row, and what it was made of: compared by identity, as what is equal may be written with other digits."""

    coin: Coin
    verdict: Verdict
    day: DayStats | None
    fragment: Fragment


class LastRows:
    """The rows of the last board, by symbol."""

    def __init__(self) -> None:
        self._last: dict[str, _Encoded] = {}

    def encode_all(
        self, coins: Sequence[Coin], verdicts: Mapping[str, Verdict], days: Mapping[str, DayStats]
    ) -> dict[str, Fragment]:
        """Return the row of each of *coins*; *days* has the last 24 hours by CoinGecko id."""
        last, rows = self._last, {}
        for coin in coins:
            symbol = coin.symbol
            verdict, day, row = verdicts[symbol], days.get(coin.coingecko_id), last.get(symbol)
            if row is None or row.verdict is not verdict or row.day is not day or row.coin is not coin:
                row = _Encoded(coin, verdict, day, _encode(coin, verdict, day))
            rows[symbol] = row
        # Replaced at once, as several threads may call.
        self._last = rows
        return {symbol: row.fragment for symbol, row in rows.items()}


def _encode(coin: Coin, verdict: Verdict, day: DayStats | None) -> Fragment:
    state = verdict.state
    row = Row(
        coin.symbol,
        coin.name,
        state.shown,
        verdict.stale,
        state.disputed,
        verdict.confirmed_by,
        verdict.spread_pct,
        day,
        coin.logo_path,
    )
    return encode_row(row)
