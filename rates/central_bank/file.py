"""
The European Central Bank's reference rates: what a euro is worth in some thirty currencies, once a working day.

Reference: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates
Limits: robots.txt asks for 5 s between calls. The file is fixed at about 14:15 and published at about 16:00 Frankfurt
time, on no weekend and on no bank holiday: on a Tuesday after Easter the newest one is five days old.

What it says is kept as text, by `central_bank.daily`.

Tested in `tests/central_bank/test_daily.py`.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.conf import settings

from rates.currencies import CENTRAL_BANK, CENTRAL_BANK_STANDS, CODES, find_ratio, pair_of
from rates.exceptions import SourceError, SourceGarbled, SourceLimited, SourceRefused, SourceUnreachable
from rates.outbound.dialing import USER_AGENT
from rates.outbound.errors import describe
from rates.outbound.retry_after import read_retry_after
from rates.sources.pacing import fingerprint
from rates.sources.vendor_values import read_json, read_price
from rates.types import Rate, decimal_text

# The daily file has 2 kB, that of 90 days 90 kB.
LONGEST_BODY = 100_000
# When the rates are fixed, UTC: at 14:15 in winter; in summer an hour earlier, which makes no difference here.
FIXED_AT = timedelta(hours=13, minutes=15)
CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"


def setup_fingerprint() -> str:
    """Return a digest of this source's configuration."""
    return fingerprint(settings.ECB_RATES_URL)


def fetch_file(timeout: float) -> str:
    """
    Return what the bank's newest file says, as text for `read_rates`.

    Raises:
        SourceError: on a network failure, an error status, or an unreadable file; nothing within *timeout* seconds.
    """
    return parse_file(fetch(settings.ECB_RATES_URL, timeout, LONGEST_BODY))


def fetch(address: str, timeout: float, most: int) -> bytes:
    """
    Return one of the bank's files, of at most *most* bytes.

    Raises:
        SourceError: on a network failure or an error status; nothing within *timeout* seconds.
    """
    from rates.outbound.http import http_get  # noqa: PLC0415 - `requests` takes 4 MB, which most processes never use

    headers = {"Accept": "application/xml, text/xml, application/zip", "User-Agent": USER_AGENT}
    try:
        answer = http_get(address, headers, time.monotonic() + timeout, most)
    except OSError as error:
        raise SourceUnreachable(CENTRAL_BANK, f"cannot be reached: {describe(error)}") from error
    if answer.status != 200:
        raise _answer_error(answer.status, answer.headers)
    return answer.body


def _answer_error(status: int, headers: Mapping[str, str]) -> SourceError:
    wait = read_retry_after(headers.get("retry-after", ""), headers.get("date", ""))
    if status == 429:
        return SourceLimited(CENTRAL_BANK, "asked too often (429)", wait)
    if status in (401, 403, 451):
        return SourceRefused(CENTRAL_BANK, f"blocked for this address ({status})")
    if status >= 500:
        return SourceUnreachable(CENTRAL_BANK, f"out of order ({status})", wait)
    return SourceGarbled(CENTRAL_BANK, f"answered {status}: check ECB_RATES_URL")


def parse_file(body: bytes) -> str:
    """
    Return what the file in *body* says as JSON: its day, and what a euro is worth in each currency that we know.

        <gesmes:Envelope xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref" ...><Cube>
        <Cube time='2026-09-04'><Cube currency='USD' rate='1.1624'/>...</Cube></Cube></gesmes:Envelope>

    Of a file with several days, the newest counts.

    Raises:
        SourceGarbled: when it is not such a file.
    """
    if len(body) > LONGEST_BODY:
        raise SourceGarbled(CENTRAL_BANK, f"a file of more than {LONGEST_BODY} bytes")
    try:
        days = dict(_read_days(fromstring(body, forbid_dtd=True)))
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise SourceGarbled(CENTRAL_BANK, f"a file that cannot be read: {type(error).__name__}") from error
    if not days:
        raise SourceGarbled(CENTRAL_BANK, "a file without rates")
    newest = max(days)
    return json.dumps({"day": newest.isoformat(), "rates": {c: decimal_text(r) for c, r in days[newest].items()}})


def _read_days(root: Element) -> Iterator[tuple[datetime, dict[str, Decimal]]]:
    for day in root.iter(CUBE):
        if moment := day.get("time"):
            rates = dict(_read_day(day))
            if rates:
                yield datetime.strptime(moment, "%Y-%m-%d").replace(tzinfo=UTC) + FIXED_AT, rates


def _read_day(day: Element) -> Iterator[tuple[str, Decimal]]:
    for item in day.iter(CUBE):
        code, rate = str(item.get("currency", "")).lower(), read_price(_read_number(item.get("rate", "")))
        if code in CODES and rate is not None:
            yield code, rate


def _read_number(text: str) -> object:
    """Return the number in *text*, by the same rules as one in JSON; None if it is none."""
    try:
        return read_json(text)
    except ValueError:
        return None


def read_rates(text: str, codes: Sequence[str], now: datetime) -> list[Rate]:
    """Return what one unit of the base is worth in each of *codes*, by the file kept as *text*; none by an old one."""
    kept = json.loads(text)
    observed_at = datetime.fromisoformat(kept["day"])
    worth = {"eur": Decimal(1), **{code: Decimal(rate) for code, rate in kept["rates"].items()}}
    base = worth.get(settings.QUOTE_CURRENCY)
    if base is None or now - observed_at > CENTRAL_BANK_STANDS:
        return []
    at = min(observed_at, now)
    return [
        Rate(pair_of(c), find_ratio(worth[c], base), None, None, CENTRAL_BANK, at, now) for c in codes if c in worth
    ]
