"""
The readers of the currencies that prices are in.

Tested in `tests/config/test_settings.py`.
"""

from config.environment.readers import refuse, text, words
from rates.currencies import CODES


def currency(name: str, default: str) -> str:
    """Return a currency's code in lower case."""
    value = text(name, default).lower()
    if value not in CODES:
        refuse(name, value, "one of " + ", ".join(sorted(CODES)))
    return value


def currencies(name: str, default: str) -> list[str]:
    """Return the codes of a comma-separated list in lower case, without repetitions."""
    codes = list(dict.fromkeys(word.lower() for word in words(name, default)))
    if not CODES.issuperset(codes):
        refuse(name, text(name, default), "a comma-separated list of " + ", ".join(sorted(CODES)))
    return codes
