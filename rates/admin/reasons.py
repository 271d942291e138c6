"""
The engine's reasons in the language of who reads them: why a coin has no price, why a source is not asked.

They are stored and logged in English, with names and numbers in them; here each is found again by its template.

Tested in `tests/admin/test_languages.py`.
"""

import re
from functools import cache

from django.utils.translation import gettext, gettext_noop

TEMPLATES = (
    # of sources and their connections
    gettext_noop("cannot be reached: %(why)s"),
    # in the operating system's words
    gettext_noop("Connection refused"),
    gettext_noop("Connection reset by peer"),
    gettext_noop("Name or service not known"),
    gettext_noop("Temporary failure in name resolution"),
    gettext_noop("Network is unreachable"),
    gettext_noop("No route to host"),
    gettext_noop("no answer in time"),
    gettext_noop("asked too often"),
    gettext_noop("asked too often (%(status)s)"),
    gettext_noop("banned for asking too often (%(status)s)"),
    gettext_noop("blocked here (451): it does not serve this country or cloud"),
    gettext_noop("blocked here (%(status)s): its firewall refuses this address"),
    gettext_noop("blocked here (%(status)s)"),
    gettext_noop("blocked for this address (%(status)s)"),
    gettext_noop("check COINGECKO_API_KEY and COINGECKO_PLAN"),
    gettext_noop("refused (%(status)s): %(words)s; %(advice)s"),
    gettext_noop("refused the request (code %(code)s, status %(status)s)"),
    gettext_noop("out of order"),
    gettext_noop("out of order (%(status)s)"),
    gettext_noop("answered a handshake with what cannot be read"),
    gettext_noop("answered %(status)s instead of opening a WebSocket; check its address"),
    gettext_noop("answered %(status)s: no prices"),
    gettext_noop("answered %(status)s: %(words)s"),
    gettext_noop("an answer of more than %(bytes)s bytes"),
    gettext_noop("an answer that is not JSON"),
    gettext_noop("an answer that is not an object"),
    gettext_noop("an answer without a result"),
    gettext_noop("an answer without a list of coins"),
    gettext_noop("an answer without a list of pairs"),
    gettext_noop("an answer without any price (%(why)s)"),
    gettext_noop("an answer without any price"),
    gettext_noop("a list without coins"),
    gettext_noop("an internal error while reading its answer: %(error)s"),
    gettext_noop("paused for another %(seconds)s s: %(why)s"),
    gettext_noop("not asked until next month: %(setting)s are used up"),
    gettext_noop("nothing is traded now (%(status)s)"),
    gettext_noop("the stream broke: %(why)s"),
    gettext_noop("the stream was closed by the other side"),
    gettext_noop("the stream was silent while prices moved: %(pairs)s"),
    gettext_noop("the stream was silent for %(seconds)s s"),
    gettext_noop("the stream ended with an internal error: %(error)s"),
    gettext_noop("the stream announced its shutdown"),
    # of coins and pairs
    gettext_noop("no coin has the id %(id)s: renamed or removed?"),
    gettext_noop("no prices in %(currency)s"),
    gettext_noop("%(id)s has no price there: not traded any more?"),
    gettext_noop("the price of %(id)s is not a usable number"),
    gettext_noop("no pair %(pair)s, or it is not traded"),
    gettext_noop("no pair"),
    gettext_noop("%(source)s has no price for %(pair)s"),
    gettext_noop("%(source)s's price is in USDT, and what that is worth is not known"),
    gettext_noop("%(pair)s is not traded now (%(status)s)"),
    gettext_noop("its price is %(minutes)s minutes old"),
    gettext_noop("its clock went back"),
    gettext_noop("not confirmed for %(seconds)s s"),
    gettext_noop("sources disagree"),
    gettext_noop("%(price)s from %(source)s is held back"),
    gettext_noop("no source is asked for it: enter a pair"),
    gettext_noop("%(source)s's %(pair)s is far from this coin's price (%(distance)s %%): not used"),
    gettext_noop("%(source)s's %(pair)s is far from this coin's price: not used"),
    gettext_noop("%(source)s's %(pair)s is not verified yet: not used until its price agrees"),
    gettext_noop("%(source)s's %(pair)s is not verified yet: disputed until staff vouch for it"),
    gettext_noop("Redis is unavailable"),
)
# The states of coins and sources.
STATES = (
    *(gettext_noop("live"), gettext_noop("stale"), gettext_noop("disputed"), gettext_noop("disabled")),
    *(gettext_noop("no price"), gettext_noop("waiting for the first price"), gettext_noop("unknown")),
    *(gettext_noop("paused"), gettext_noop("answers"), gettext_noop("failing"), gettext_noop("not queried yet")),
)
# The source that a reason is of: `coingecko: …`, `binance stream: …`.
NAMED = re.compile(r"([a-z]+(?: stream)?): (.+)", re.DOTALL)
PLACE = re.compile(r"%\\\((\w+)\\\)s")


def translate_reason(text: str) -> str:
    """Return *text* in the language in force; as it is where it is nobody's template, such as a vendor's own words."""
    if named := NAMED.fullmatch(text):
        return f"{named[1]}: {translate_reason(named[2])}"
    for template, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return gettext(template) % {name: translate_reason(value) for name, value in found.groupdict().items()}
    return text


def translate_state(state: str) -> str:
    """Return the *state* of a coin or a source, one of `STATES`, in the language in force."""
    return gettext(state)


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Return each template with the pattern of what it makes."""
    return [(text, re.compile(PLACE.sub(r"(?P<\1>.+?)", re.escape(text).replace("%%", "%")))) for text in TEMPLATES]
