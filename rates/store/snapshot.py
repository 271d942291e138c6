"""
The published board and the states as every process reads them.

Tested in `tests/store/test_board.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rates.exceptions import StoreUnavailable
from rates.store.header import Header, load_header, read_header
from rates.store.keys import BANK_FILE, BOARD, CALLS, SOURCE_HEALTHS, STATES, rate_key
from rates.store.known import known_fragments, known_states
from rates.store.redis_client import ATTEMPTS, client, read_counts, read_hash, redis_errors
from rates.types import CoinState, Snapshot


def load_snapshot() -> Snapshot | None:
    """Return the published board; None before the first publication."""
    with redis_errors(), client().pipeline() as pipe:
        for _ in range(ATTEMPTS):
            header = load_header()
            if header is None:
                return None
            after, *texts = pipe.get(BOARD).mget(rate_keys(header.symbols)).execute()
            if read_header(after) == header:
                return None if None in texts[0] else read_snapshot(header, texts[0])
    raise StoreUnavailable("Redis: the board changes too fast to be read")


def rate_keys(symbols: Sequence[str]) -> list[str]:
    """Return the keys of the coins *symbols*; never none, as a command needs one."""
    return [rate_key(symbol) for symbol in symbols] or [BOARD]


def read_snapshot(header: Header, texts: Sequence[str | None]) -> Snapshot:
    """Return the board of the coins whose *texts* exist; the next publication writes those that were lost again."""
    found = zip(header.symbols, texts, strict=False)
    fragments = known_fragments.read({symbol: text for symbol, text in found if text is not None})
    return Snapshot(header.epoch, header.seq, header.as_of, fragments, header.currencies)


class TickMemory(NamedTuple):
    """What a tick begins with: states by symbol or quote pair, health of each source, the bank's file, calls so far."""

    states: Mapping[str, CoinState]
    healths: Mapping[str, Mapping[str, Any]]
    bank_file: str | None
    calls: Mapping[str, int]


def load_tick(*, calls: bool) -> TickMemory:
    """Return what a tick begins with, in one round trip; the *calls* only if they are wanted."""
    with redis_errors(), client().pipeline(transaction=False) as pipe:
        pipe.hgetall(STATES).hgetall(SOURCE_HEALTHS).get(BANK_FILE)
        states, healths, bank_file, *counted = (pipe.hgetall(CALLS) if calls else pipe).execute()
    return TickMemory(
        known_states.read(states), read_hash(healths), bank_file, read_counts(counted[0] if calls else {})
    )


def load_states() -> dict[str, CoinState]:
    """Return the state of each coin and quote pair."""
    with redis_errors():
        return known_states.read(client().hgetall(STATES))
