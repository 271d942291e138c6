"""
The log's lines about coins that a source has no price for: which, and why where the answer tells.

Tested in `tests/sources/test_absences.py`.
"""

import logging
import time
from collections.abc import Sequence

from rates.types import Rate, Rates

logger = logging.getLogger(__name__)

# Seconds between two lines about one source: a coin that comes and goes is no news each time.
LOG_INTERVAL = 60.0
# Coins that a line names.
MOST_NAMES = 10


class AbsenceLog:
    """What this process has said so far, by source and symbol."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, str]] = {}
        self._logged_at: dict[str, float] = {}

    def note(self, source: str, answer: Sequence[Rate]) -> None:
        """Log the coins that *answer* lacks, unless that is known; one line, and none within a minute of the last."""
        said = self._said.setdefault(source, {})
        for rate in answer:
            said.pop(rate.symbol, None)
        absent = answer.absent if isinstance(answer, Rates) else {}
        news = {symbol: reason for symbol, reason in absent.items() if said.get(symbol) != reason}
        if news and time.monotonic() - self._logged_at.get(source, float("-inf")) >= LOG_INTERVAL:
            self._logged_at[source] = time.monotonic()
            said |= news
            logger.warning("%s: no price for %s", source, _list(news))


def _list(news: dict[str, str]) -> str:
    named = [f"{symbol} ({reason})" for symbol, reason in list(news.items())[:MOST_NAMES]]
    more = len(news) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


absence_log = AbsenceLog()
