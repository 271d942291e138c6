"""
What all publishers share, the board and the states: read only where another process has changed it since.

Every publisher writes a new version beside what it changes. Whoever finds the version and the header that it has seen
last knows the rest, hundreds of texts that are then neither sent nor read before each publication. The header is
compared too, as a release that knew no versions may still publish.

Tested in `tests/store/test_memory.py`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings

from rates.deployment import describe_deployment
from rates.exceptions import ForeignBoard
from rates.store.header import Header, describe_foreign, read_any_header
from rates.store.keys import BANK_FILE, BOARD, CALLS, SOURCE_HEALTHS, STATES, VERSION, rate_key
from rates.store.known import known_states
from rates.store.redis_client import client, read_counts, read_hash, redis_errors
from rates.store.snapshot import read_snapshot
from rates.types import CoinState, Snapshot, read_time

# In one go, so that all of it is of one moment, and the answer takes one round trip whether it is known or not. The
# coins on the board are those that its header names.
READ = """
local version, head = redis.call("GET", KEYS[1]), redis.call("GET", KEYS[2])
if version and version == ARGV[1] and head == ARGV[2] then return false end
local is_json, board = pcall(cjson.decode, head or "{}")
local symbols = is_json and type(board) == "table" and board.symbols
local texts = {}
for i, symbol in ipairs(type(symbols) == "table" and symbols or {}) do
    texts[i] = redis.call("GET", ARGV[3] .. symbol)
end
return {version, head, redis.call("HGETALL", KEYS[3]), texts}
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """
    What all publishers share.

    Attributes:
        snapshot: the published board; None before the first.
        states: the state of each coin, quote pair and currency; the same object until somebody changes one of them.
        inherited: the coins on a board that another deployment has left behind; nothing else is taken from it.
        head: the board's header as it is stored; empty without one.
    """

    snapshot: Snapshot | None
    states: Mapping[str, CoinState]
    inherited: Sequence[str] = ()
    head: str = ""


class _Seen(NamedTuple):
    """The *memory* as this process last read or wrote it, by which *version*, for which *deployment*."""

    version: str
    memory: Memory
    deployment: Mapping[str, Any]


_NOTHING = _Seen("", Memory(None, {}), {})


class _Last:
    seen = _NOTHING


class MemoryQuery:
    """
    A question for what all publishers share.

    Attributes:
        command: the command that asks it; its answer is empty where nobody has changed anything.
    """

    def __init__(self) -> None:
        seen = _Last.seen
        # Replaced at once by other threads, so what the answer is compared with is kept here.
        self._seen = seen if seen.deployment == describe_deployment() else _NOTHING
        known = (self._seen.version, self._seen.memory.head)
        self.command = ("EVAL", READ, "3", VERSION, BOARD, STATES, *known, rate_key(""))

    def read(self, answer: Sequence[Any] | None) -> Memory:
        """
        Return what the *answer* says.

        Raises:
            ForeignBoard: while another deployment publishes the board.
        """
        if answer is None:
            return self._seen.memory
        version, head, states, texts = answer
        header = read_any_header(head)
        if header and header.difference:
            return _inherit(header)
        snapshot = read_snapshot(header, texts) if header else None
        memory = Memory(snapshot, known_states.read(dict(zip(states[::2], states[1::2], strict=True))), head=head or "")
        remember(version or "", memory)
        return memory


def remember(version: str, memory: Memory) -> None:
    """Remember that *memory* is what is stored as long as its version there is *version*."""
    _Last.seen = _Seen(version, memory, describe_deployment())


def _inherit(header: Header) -> Memory:
    """
    Return the memory of a deployment that begins where another one has stopped.

    Raises:
        ForeignBoard: when that one has published within `RATES_STALE_AFTER`.
    """
    if abs(time.time() - read_time(header.as_of).timestamp()) < settings.RATES_STALE_AFTER:
        raise ForeignBoard(describe_foreign(header.difference))
    return Memory(None, {}, header.symbols)


class TickMemory(NamedTuple):
    """What a tick begins with: states by symbol or quote pair, health of each source, the bank's file, calls so far."""

    states: Mapping[str, CoinState]
    healths: Mapping[str, Mapping[str, Any]]
    bank_file: str | None
    calls: Mapping[str, int]


def load_tick(*, calls: bool) -> TickMemory:
    """Return what a tick begins with, in one round trip; the *calls* only if they are wanted."""
    query = MemoryQuery()
    with redis_errors(), client().pipeline(transaction=False) as pipe:
        pipe.execute_command(*query.command).hgetall(SOURCE_HEALTHS).get(BANK_FILE)
        answer, healths, bank_file, *counted = (pipe.hgetall(CALLS) if calls else pipe).execute()
    return TickMemory(
        query.read(answer).states, read_hash(healths), bank_file, read_counts(counted[0] if calls else {})
    )
