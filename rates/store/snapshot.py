"""
The published board and the states as every process reads them.

Tested in `tests/store/test_board.py`.
"""

from collections.abc import Sequence

from rates.exceptions import StoreUnavailable
from rates.store.header import Header, load_header, read_header
from rates.store.keys import BOARD, STATES, VERSION, rate_key
from rates.store.known import known_fragments, known_states
from rates.store.redis_client import ATTEMPTS, client, redis_errors
from rates.types import CoinState, Snapshot


def load_snapshot() -> Snapshot | None:
    """Return the published board; None before the first publication."""
    with redis_errors(), client().pipeline() as pipe:
        for _ in range(ATTEMPTS):
            header = load_header()
            if header is None:
                return None
            after, *texts = pipe.get(BOARD).mget(rate_keys(header.symbols)).execute()
            if read_header(after) != header:
                continue
            if None not in texts[0]:
                return read_snapshot(header, texts[0])
            # The next publisher reads all, and writes again what was lost.
            pipe.delete(VERSION).execute()
            return None
    raise StoreUnavailable("Redis: the board changes too fast to be read")


def rate_keys(symbols: Sequence[str]) -> list[str]:
    """Return the keys of the coins *symbols*; never none, as a command needs one."""
    return [rate_key(symbol) for symbol in symbols] or [BOARD]


def read_snapshot(header: Header, texts: Sequence[str | None]) -> Snapshot:
    """Return the board of the coins whose *texts* exist; the next publication writes those that were lost again."""
    found = zip(header.symbols, texts, strict=False)
    fragments = known_fragments.read({symbol: text for symbol, text in found if text is not None})
    return Snapshot(header.epoch, header.seq, header.as_of, fragments, header.currencies)


def load_states() -> dict[str, CoinState]:
    """Return the state of each coin and quote pair."""
    with redis_errors():
        return known_states.read(client().hgetall(STATES))
