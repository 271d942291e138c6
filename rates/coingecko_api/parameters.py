"""
What programs ask for, read as CoinGecko reads it: any case, blanks and unknown parameters ignored.

Tested in `tests/coingecko_api/test_simple_price.py` and `tests/coingecko_api/test_charts.py`.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

Parameters = Mapping[str, str]

# A list of all coins that there could be; what is longer is no question.
MOST_NAMED = 5000
LONGEST_PRECISION = 18
MOST_A_PAGE, DEFAULT_PAGE = 250, 100


class Refusal(Exception):
    """An answer that is an error: its status, and the words of its body."""

    def __init__(self, status: int, words: str, retry_after: int | None = None) -> None:
        super().__init__(words)
        self.status, self.words, self.retry_after = status, words, retry_after


def read_query(text: str) -> Parameters:
    """Return the parameters of a query string, without the blank ones; of a repeated one the last counts."""
    return {name: value for name, value in parse_qsl(text, errors="replace") if value.strip()}


def require(params: Parameters, name: str) -> str:
    """Return a parameter that must be there."""
    if name not in params:
        raise Refusal(422, f"Missing parameter {name}")
    return params[name]


def read_list(text: str) -> list[str]:
    """Return the parts of a list, each once: ``bitcoin, ethereum``."""
    parts = dict.fromkeys(part.strip() for part in text.split(","))
    return [part for part in parts if part][:MOST_NAMED]


def read_codes(text: str) -> list[str]:
    """Return the parts of a list in small letters, each once."""
    return list(dict.fromkeys(read_list(text.lower())))


def read_flag(params: Parameters, name: str, default: bool = False) -> bool:
    """Return whether a switch is on."""
    return params[name].strip().lower() in ("true", "1") if name in params else default


def read_precision(params: Parameters) -> int | None:
    """Return the decimals that prices are rounded to; None for all of them."""
    text = params.get("precision", "full").strip().lower()
    if text == "full":
        return None
    if not re.fullmatch(r"[0-9]{1,2}", text) or int(text) > LONGEST_PRECISION:
        raise Refusal(400, f"invalid precision: {text[:20]!r}; allowed: full, 0 to {LONGEST_PRECISION}")
    return int(text)


def read_number(params: Parameters, name: str, default: int, most: int) -> int:
    """Return a count from 1 to *most*; a higher one counts as *most*."""
    text = params.get(name, str(default)).strip()
    if not re.fullmatch(r"[0-9]+", text) or not text.strip("0"):
        raise Refusal(400, f"invalid {name}: {text[:20]!r}; allowed: 1 to {most}")
    return min(int(text[:18]), most)


def read_days(params: Parameters) -> float | None:
    """Return how many days back a chart goes; None for all that there is."""
    text = require(params, "days").strip().lower()
    if text == "max":
        return None
    days = _read_float(text)
    if days is None or days < 0:
        raise Refusal(400, f"invalid days: {text[:20]!r}; allowed: a number of days, or max")
    return days


def read_moment(params: Parameters, name: str) -> float:
    """Return the Unix time in a parameter: in seconds, or an ISO date with or without a time, in UTC."""
    text = require(params, name).strip()
    seconds = _read_float(text)
    if seconds is None:
        seconds = _read_iso(text)
    if seconds is None:
        raise Refusal(400, f"invalid {name}: {text[:40]!r}; allowed: UNIX seconds, or 2026-11-20 or 2026-11-20T12:34")
    return min(max(seconds, 0.0), 1e11)


def read_date(params: Parameters) -> datetime:
    """Return midnight UTC of a day, written as ``30-12-2025`` or ``2025-12-30``."""
    text = require(params, "date").strip()
    for form in ("%d-%m-%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise Refusal(400, f"invalid date: {text[:20]!r}; allowed: dd-mm-yyyy or yyyy-mm-dd")


def _read_float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _read_iso(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
