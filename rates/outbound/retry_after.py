"""
The header `Retry-After`: how many seconds a server wants clients to wait.

Reference: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def read_retry_after(value: str, date: str = "") -> float | None:
    """
    Return the seconds that a `Retry-After` asks for; None if it cannot be read, or names a time in the past.

    *value* is a number of seconds or an HTTP date, which is compared with the answer's own `Date`, because our clock
    may be wrong. If the header was sent twice, the first number counts.
    """
    seconds = value.partition(",")[0].strip()
    if seconds.isascii() and seconds.isdigit():
        return float(seconds)
    until, now = _read_date(value), _read_date(date) or datetime.now(UTC)
    return (until - now).total_seconds() if until and until > now else None


def _read_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
