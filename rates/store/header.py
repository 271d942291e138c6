"""
The header of the published board: its number, its coins in order, and whose it is.

A board of another deployment, or of another version, is not shown. Tested in `tests/store/test_deployments.py`.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from rates.deployment import describe_deployment, find_difference
from rates.exceptions import ForeignBoard
from rates.outage_log import OutageLog
from rates.store.keys import BOARD
from rates.store.redis_client import client, redis_errors
from rates.types import Currency, Snapshot

BOARD_VERSION = 1

_foreign_log = OutageLog(logging.getLogger(__name__))


@dataclass(frozen=True, slots=True)
class Header:
    """The published board without its coins: number and time of the publication, and the coins' order."""

    epoch: str
    seq: int
    as_of: str
    symbols: tuple[str, ...]
    currencies: Mapping[str, Currency] = field(default_factory=dict)
    difference: str = ""


def encode_header(snapshot: Snapshot) -> str:
    """Return the header of *snapshot* as text."""
    return json.dumps({
        "v": BOARD_VERSION,
        "epoch": snapshot.epoch,
        "seq": snapshot.seq,
        "as_of": snapshot.as_of,
        "symbols": list(snapshot.fragments),
        "currencies": [worth._asdict() for worth in snapshot.currencies.values()],
        "deployment": describe_deployment(),
    })  # fmt: skip


def read_header(text: str | None) -> Header | None:
    """Return the header of our own board; None before the first publication."""
    header = read_any_header(text)
    if header and header.difference:
        _foreign_log.failed("no prices are shown: %s", ForeignBoard(describe_foreign(header.difference)))
        return None
    return header


def read_any_header(text: str | None) -> Header | None:
    """Return the header of whoever's board it is."""
    if text is None:
        return None
    data = json.loads(text)
    if data.get("v") != BOARD_VERSION:
        return None
    currencies = {item["code"]: Currency.read(item) for item in data.get("currencies", ())}
    difference = find_difference(data.get("deployment"))
    return Header(data["epoch"], data["seq"], data["as_of"], tuple(data["symbols"]), currencies, difference)


def is_foreign(text: str | None) -> bool:
    """Return whether the board with the header *text* is of another deployment."""
    return text is not None and read_any_header(text) is not None and read_header(text) is None


def describe_foreign(difference: str) -> str:
    """Return what the operator is told about a board that differs from ours in *difference*."""
    return f"the board in Redis is of another deployment: {difference}"


def load_header() -> Header | None:
    """Return the header of the published board; None before the first publication."""
    with redis_errors():
        return read_header(client().get(BOARD))


def load_difference() -> str:
    """Return how the deployment whose board is in Redis differs from this one; empty when it is ours, or none."""
    with redis_errors():
        header = read_any_header(client().get(BOARD))
    return header.difference if header else ""
