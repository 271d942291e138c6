"""
What this process last read or wrote of each coin, by its text: nearly all of it is the same at the next read.

Tested in `tests/store/test_board.py`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from rates.store.codec import decode_state
from rates.types import Fragment

T = TypeVar("T")


class Known(Generic[T]):
    """Values by name, each with the text that it was decoded from, or encoded to."""

    def __init__(self, decode: Callable[[str, str], T]) -> None:
        self._decode = decode
        self._known: dict[str, tuple[str, T]] = {}

    def read(self, texts: Mapping[str, str]) -> dict[str, T]:
        """Return the values of *texts* by name, and forget all others; only texts that are new are decoded."""
        known = self._known
        # Replaced at once, as several threads may read.
        self._known = read = {name: self._find(known.get(name), name, text) for name, text in texts.items()}
        return {name: value for name, (_, value) in read.items()}

    def _find(self, known: tuple[str, T] | None, name: str, text: str) -> tuple[str, T]:
        return known if known is not None and known[0] == text else (text, self._decode(name, text))

    def remember(self, texts: Mapping[str, str], values: Mapping[str, T]) -> None:
        """Remember *values*: new *texts* of some of them, what is known of the others, and nothing of other names."""
        known = self._known | {name: (text, values[name]) for name, text in texts.items() if name in values}
        gone = known.keys() - values.keys()
        self._known = {name: each for name, each in known.items() if name not in gone} if gone else known


# A tick reads both, and usually they are what the same process wrote in the tick before.
known_states = Known(lambda _, text: decode_state(text))
known_fragments = Known(lambda symbol, text: Fragment(symbol, text, json.loads(text)["price"]))
