"""
The state of a coin as text in Redis: JSON arrays, prices as text, times as ISO 8601.

Nothing is lost, not even microseconds: whether a source's clock advances is told by its timestamps.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from rates.types import CoinState, Held, Rate, Reading, read_time

STATE_VERSION = 2
# Its readings had another format.
PREVIOUS_STATE_VERSION = 1
# Made once: `json.dumps` would make an encoder for each of hundreds of states.
encode = json.JSONEncoder(separators=(",", ":")).encode

# A tick writes thousands of times of day, nearly all of them the same few.
write_time = lru_cache(maxsize=4096)(datetime.isoformat)


def encode_state(state: CoinState) -> str:
    """Return *state* as one line of JSON."""
    return encode(
        {
            "v": STATE_VERSION,
            "id": state.coingecko_id,
            # For a process of the release before, which knew no other pairs.
            "pair": state.pairs.get("binance", ""),
            "pairs": dict(state.pairs),
            "proven": sorted(state.proven),
            "doubtful": sorted(state.doubtful),
            "unidentified": state.unidentified,
            "quote": state.quote,
            "absent": dict(state.absent),
            "readings": [_encode_reading(reading) for reading in state.readings.values()],
            # Beside the readings, whose format a process of the release before expects.
            "steps": {source: str(reading.step) for source, reading in state.readings.items() if reading.step},
            "shown": state.shown and _encode_rate(state.shown),
            "good": _text(state.good),
            "disputed": state.disputed,
            "held": state.held and _encode_held(state.held),
            "dissenters": sorted(state.dissenters),
        }
    )


def decode_state(text: str | bytes) -> CoinState:
    """Return what `encode_state` wrote; of the previous version without the readings, of any other an empty state."""
    data = json.loads(text)
    if data.get("v") not in (PREVIOUS_STATE_VERSION, STATE_VERSION):
        return CoinState()
    steps = data.get("steps", {})
    readings = [_decode_reading(item, steps) for item in data["readings"]] if data["v"] == STATE_VERSION else []
    return CoinState(
        coingecko_id=data["id"],
        pairs=data.get("pairs") or ({"binance": data["pair"]} if data["pair"] else {}),
        proven=frozenset(data.get("proven", ())),
        doubtful=frozenset(data.get("doubtful", ())),
        unidentified=data.get("unidentified", False),
        quote=data.get("quote", ""),
        absent=data.get("absent", {}),
        readings={reading.rate.source: reading for reading in readings},
        shown=data["shown"] and _decode_rate(data["shown"]),
        good=_decimal(data["good"]),
        disputed=data["disputed"],
        held=data["held"] and _decode_held(data["held"]),
        dissenters=frozenset(data.get("dissenters", ())),
    )


def _encode_rate(rate: Rate) -> list[Any]:
    return [
        rate.symbol,
        str(rate.price),
        _text(rate.change_24h_pct),
        _text(rate.volume_24h),
        rate.source,
        write_time(rate.observed_at),
        write_time(rate.received_at),
    ]


def _decode_rate(item: list[Any]) -> Rate:
    symbol, price, change, volume, source, observed_at, received_at = item
    return Rate(
        symbol,
        Decimal(price),
        _decimal(change),
        _decimal(volume),
        source,
        read_time(observed_at),
        read_time(received_at),
    )


def _encode_reading(reading: Reading) -> list[Any]:
    anchors = {source: str(price) for source, price in reading.anchors.items()}
    return [_encode_rate(reading.rate), reading.live, reading.streak, anchors, reading.refused]


def _decode_reading(item: list[Any], steps: Mapping[str, str]) -> Reading:
    rate, live, streak, anchors, refused = _decode_rate(item[0]), *item[1:]
    step = Decimal(steps.get(rate.source, 0))
    return Reading(rate, live, streak, {k: Decimal(v) for k, v in anchors.items()}, refused, step)


def _encode_held(held: Held) -> list[Any]:
    return [held.source, str(held.price), write_time(held.observed_at), held.count]


def _decode_held(item: list[Any]) -> Held:
    source, price, observed_at, count = item
    return Held(source, Decimal(price), read_time(observed_at), count)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
