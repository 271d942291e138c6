"""
The errors that this project raises on purpose.

    RatesError
    ├── SourceError            a source gave no usable answer
    │   ├── SourceUnreachable  no connection, a reset, or no answer before the deadline
    │   ├── SourceLimited      asked too often: wait, then continue
    │   ├── SourceRefused      not allowed here or with this key: an operator has to act
    │   ├── SourceGarbled      an answer that cannot be read or believed
    │   │   └── SourceEmpty    a well-formed one without any price
    │   └── NotOffered         it has no such thing: another question may be answered at once
    │       └── TooLongAgo     nor anything as old
    └── StoreUnavailable       Redis cannot be reached, or refuses to write
        └── ForeignBoard       what is there belongs to another deployment

Tested in `tests/sources/test_exchanges.py`, `tests/sources/test_coingecko.py` and `tests/test_start_notes.py`.
"""

import re
from collections.abc import Sequence

from rates.types import Rate

# What SQLite says, and the codes of PostgreSQL, whose words depend on its language.
MISSING = re.compile("no such (table|column)")
MISSING_CODES = ("42P01", "42703")


def one_line(error: BaseException) -> str:
    """Return the first line of what *error* says, and what to do about tables that are missing."""
    line = str(error).partition("\n")[0]
    missing = MISSING.match(line) or getattr(error.__cause__, "sqlstate", "") in MISSING_CODES
    return f"{line}; run manage.py migrate" if missing else line


class RatesError(Exception):
    """Base of all of our own errors."""


class SourceError(RatesError):
    """
    Raised when a source gave no usable answer; the message is one line for the operator.

    Attributes:
        source: name of the source, such as ``coingecko``.
        retry_after: seconds that the source wants us to wait; None if it did not say.
        arrived: the rates that other parts of the same question brought all the same.
        kind: the kind of failure in a word, for the metrics.
    """

    kind = "failed"

    def __init__(self, source: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source
        self.retry_after = retry_after
        self.arrived: Sequence[Rate] = ()


class SourceUnreachable(SourceError):
    """Raised when a source cannot be reached, or does not answer before the deadline."""

    kind = "unreachable"


class SourceLimited(SourceError):
    """Raised when a source says that it was asked too often."""

    kind = "limited"


class SourceRefused(SourceError):
    """Raised when asking again will not help: a wrong key, a wrong plan, a blocked address or country."""

    kind = "refused"


class SourceGarbled(SourceError):
    """Raised when an answer cannot be read: not JSON, too big, cut off, an error body with status 200."""

    kind = "garbled"


class SourceEmpty(SourceGarbled):
    """Raised when an answer has no price at all, with the reason where one can be told; it never leads to a pause."""


class NotOffered(SourceError):
    """Raised when a source does not have what was asked for: no such coin, no such past. It is to be asked on."""

    kind = "not_offered"


class TooLongAgo(NotOffered):
    """Raised when the plan that the operator has at a source does not reach as far back as the question."""


class StoreUnavailable(RatesError):
    """
    Raised when Redis cannot be reached in time, or refuses to write.

    Attributes:
        refusal: the words with which the server refused, without the command; empty when it could not be asked.
    """

    def __init__(self, message: str, refusal: str = "") -> None:
        super().__init__(message)
        self.refusal = refusal


class ForeignBoard(StoreUnavailable):
    """Raised when Redis has the board of another deployment, which is still published."""
