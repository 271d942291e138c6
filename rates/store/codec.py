"""
The state of a coin as text in Redis: JSON, prices as text with every digit, times as ISO 8601, rates as arrays.

Nothing is lost, not even microseconds: whether a source's clock advances is told by its timestamps.
"""

import json
from collections.abc import Mapping
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

    id: str
    pair: str
    shown: Rate | None
    good: Decimal | None
    disputed: bool
    held: Held | None
    pairs: dict[str, str] = {}
    proven: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    unidentified: bool = False
    quote: str = ""
    absent: dict[str, str] = {}
    readings: Any = ()
    # Beside the readings, whose format a process of the release before expects.
    steps: dict[str, Decimal] = {}
    dissenters: frozenset[str] = frozenset()


class _Stored(_Earlier):
    readings: list[Reading] = []


_encoder = msgspec.json.Encoder(order="sorted")
_version = msgspec.json.Decoder(_Versioned)
_earlier = msgspec.json.Decoder(_Earlier)
_stored = msgspec.json.Decoder(_Stored)


def encode_state(state: CoinState) -> str:
    """Return *state* as one line of JSON."""
    fields = {
        "v": STATE_VERSION,
        "id": state.coingecko_id,
        # For a process of the release before, which knew no other pairs.
        "pair": state.pairs.get("binance", ""),
        "pairs": state.pairs,
        "proven": state.proven,
        "doubtful": state.doubtful,
        "unidentified": state.unidentified,
        "quote": state.quote,
        "absent": state.absent,
        "readings": [(r.rate, r.live, r.streak, r.anchors, r.refused) for r in state.readings.values()],
        "steps": {source: reading.step for source, reading in state.readings.items() if reading.step},
        "shown": state.shown,
        "good": state.good,
        "disputed": state.disputed,
        "held": state.held,
        "dissenters": state.dissenters,
    }
    return _encoder.encode(fields).decode()


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
