"""
Every key in Redis; no module outside this package spells one. `RATES_NAMESPACE` is what they begin with: `rates`.

    rates:{symbol}          the coin object of the protocol, as it was published; deleted when the coin leaves the board
    rates:{symbol}:history  list, oldest first: {"price", "observed_at"}; kept for a week after the last update
    rates:board             header of the board: {"v", "epoch", "seq", "as_of", "symbols", "currencies",
                            "deployment"}
    rates:states            hash, symbol, quote pair or currency (USD/EUR) -> its state (`codec`)
    rates:states:version    changes with every publication and every state; deleted, it makes publishers read all again
    rates:sources           hash, source -> its health: pause, spacing, last answer (`pacing`)
    rates:calls             hash, "source:2026-11" and "source:2026-11-24" -> calls made; this month and the one before
    rates:counters          hash, name -> count of what happened
    rates:owners            list, newest first: the last changes of owner
    rates:coins:last        the enabled coins as they were last read from the database, for whoever starts without it
    rates:slot:{n}          who runs the tick of slot n
    rates:binance:unknown   sorted set, pair that Binance does not know -> Unix time until which it is not asked
    rates:stream            token of the leader among the `stream_rates`; expires unless renewed
    rates:minutes           sorted set, the minutes that are not in the database yet, by Unix time
    rates:minute:{time}     hash, process -> what it published in that minute (`history.recorder`); kept for two hours
    rates:backfill          progress of the backfill, and what is missing, for the admin
    rates:day               the last 24 hours of each coin by our own candles (`history.day_stats`); kept for an hour
    rates:history           token of the process that writes candles to the database; expires unless renewed
    rates:history:scratch   exists only within a transaction (`board`)
    rates:processes         hash, "web:host:1234" -> the last report of the process (`telemetry.reports`)
    rates:file:ecb          what the European Central Bank's newest file says (`central_bank`)
    rates:catalog           CoinGecko's list of coins, for the admin; kept for a day
    rates:market_caps       hash, CoinGecko's id -> when and what it told; an hour (`lookups`)
    rates:search:{query}    what CoinGecko found for a query of the admin; kept for a day
    rates:login:{who}       attempts to log in, by address and by name (hashed); kept for minutes
    rates:known:{who}       a name has logged in from an address (hashed); kept for a month

No symbol has a colon or is one of these words (`rates.symbols`), so keys cannot collide.

Tested in `tests/test_symbols.py`.
"""

from collections.abc import Callable

from django.conf import settings

NAMESPACE = settings.RATES_NAMESPACE
BOARD = f"{NAMESPACE}:board"
STATES = f"{NAMESPACE}:states"
VERSION = f"{NAMESPACE}:states:version"
SOURCE_HEALTHS = f"{NAMESPACE}:sources"
CALLS = f"{NAMESPACE}:calls"
COUNTERS = f"{NAMESPACE}:counters"
OWNERS = f"{NAMESPACE}:owners"
PROCESSES = f"{NAMESPACE}:processes"
CATALOG = f"{NAMESPACE}:catalog"
MARKET_CAPS = f"{NAMESPACE}:market_caps"
BANK_FILE = f"{NAMESPACE}:file:ecb"
COINS = f"{NAMESPACE}:coins:last"
UNKNOWN_PAIRS = f"{NAMESPACE}:binance:unknown"
STREAM_LEADER = f"{NAMESPACE}:stream"
HISTORY_LEADER = f"{NAMESPACE}:history"
SCRATCH = f"{NAMESPACE}:history:scratch"
DAY_STATS = f"{NAMESPACE}:day"
BACKFILL = f"{NAMESPACE}:backfill"
RUNNING_MINUTES = f"{NAMESPACE}:minutes"


def rate_key(symbol: str) -> str:
    """Return the key of a coin's published object."""
    return f"{NAMESPACE}:{symbol}"


def history_key(symbol: str) -> str:
    """Return the key of a coin's stored updates."""
    return f"{NAMESPACE}:{symbol}:history"


def _keys(kind: str) -> Callable[[object], str]:
    """Return the function that gives the key of one of a *kind*."""
    return lambda name: f"{NAMESPACE}:{kind}:{name}"


minute_key, slot_key, search_key, login_key, known_key = map(_keys, ("minute", "slot", "search", "login", "known"))
