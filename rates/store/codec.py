"""
The state of a coin as text in Redis: JSON, prices as text with every digit, times as ISO 8601, rates as arrays.

Nothing is lost, not even microseconds: whether a source's clock advances is told by its timestamps.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from rates.types import CoinState, Held, Rate, Reading

STATE_VERSION = 2
# Its readings had another format.
PREVIOUS_STATE_VERSION = 1
# Made once: `json.dumps` would make an encoder for each of hundreds of values.
encode = json.JSONEncoder(separators=(",", ":")).encode


class _Versioned(Struct):
    v: Any = None


class _Earlier(Struct):
    """A state whose readings are not read."""

    v: int
    id: str
    # For a process of the release before, which knew no other pairs.
    pair: str
    shown: Rate | None
    good: Decimal | None
    disputed: bool
    held: Held | None
    pairs: Mapping[str, str] = {}
    proven: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    unidentified: bool = False
    quote: str = ""
    absent: Mapping[str, str] = {}
    readings: Any = ()
    # Beside the readings, whose format a process of the release before expects.
    steps: dict[str, Decimal] = {}
    dissenters: frozenset[str] = frozenset()


class _Stored(_Earlier):
    readings: Sequence[Reading] = ()


# The same state is always the same text.
_encoder = msgspec.json.Encoder(order="deterministic")
_version = msgspec.json.Decoder(_Versioned)
_earlier = msgspec.json.Decoder(_Earlier)
_stored = msgspec.json.Decoder(_Stored)


def encode_state(state: CoinState) -> str:
    """Return *state* as one line of JSON."""
    readings = state.readings.values()
    stored = _Earlier(
        STATE_VERSION,
        state.coingecko_id,
        state.pairs.get("binance", ""),
        state.shown,
        state.good,
        state.disputed,
        state.held,
        state.pairs,
        state.proven,
        state.doubtful,
        state.unidentified,
        state.quote,
        state.absent,
        [(r.rate, r.live, r.streak, r.anchors, r.refused) for r in readings],
        {reading.rate.source: reading.step for reading in readings if reading.step},
        state.dissenters,
    )
    return _encoder.encode(stored).decode()


def decode_state(text: str | bytes) -> CoinState:
    """Return what `encode_state` wrote; of the previous version without the readings, of any other an empty state."""
    version = _version.decode(text).v
    if version not in (PREVIOUS_STATE_VERSION, STATE_VERSION):
        return CoinState()
    stored = _stored.decode(text) if version == STATE_VERSION else _earlier.decode(text)
    return CoinState(
        coingecko_id=stored.id,
        pairs=stored.pairs or ({"binance": stored.pair} if stored.pair else {}),
        proven=stored.proven,
        doubtful=stored.doubtful,
        unidentified=stored.unidentified,
        quote=stored.quote,
        absent=stored.absent,
        readings=_read(stored) if isinstance(stored, _Stored) else {},
        shown=stored.shown,
        good=stored.good,
        disputed=stored.disputed,
        held=stored.held,
        dissenters=stored.dissenters,
    )


def _read(stored: _Stored) -> Mapping[str, Reading]:
    steps = stored.steps
    readings = {reading.rate.source: reading for reading in stored.readings}
    return readings | {
        source: replace(readings[source], step=step) for source, step in steps.items() if source in readings
    }
