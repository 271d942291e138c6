"""
What was last made of a list, as long as it is asked for the same objects: each tick asks about the coins of the last.

Tested in `tests/test_kept.py`.
"""

from collections.abc import Callable, Sequence
from operator import is_
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Last(NamedTuple, Generic[T]):
    items: Sequence[object]
    more: tuple[object, ...]
    made: T


class KeptLast(Generic[T]):
    """
    The function *make* of a list and more, whose last result is returned again for the same arguments.

    The items are compared by identity, so nobody may change them, nor the result; what is given besides is compared by
    value.
    """

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._last: _Last[T] | None = None

    def __call__(self, items: Sequence[Any], *more: object) -> T:
        """Return what *make* makes of these arguments."""
        # Read and replaced at once, as several threads may call.
        last = self._last
        if last and last.more == more and len(last.items) == len(items) and all(map(is_, last.items, items)):
            return last.made
        return self.keep(self._make(items, *more), items, *more)

    def keep(self, made: T, items: Sequence[Any], *more: object) -> T:
        """Return *made*, which the caller knows to be what is made of these arguments, and do so again for them."""
        self._last = _Last(tuple(items), more, made)
        return made
