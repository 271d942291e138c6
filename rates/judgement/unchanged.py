"""
What was last made of each coin, as long as what it is made of are the same objects.

They are where nothing has changed: states and rows that were read as they were written, coins that nobody has edited.

Tested in `tests/judgement/test_standing.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import is_
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Unchanged(Generic[T]):
    """
    What *make* has last made for each name of the last call, and of which values.

    These are compared by identity, so nobody may change them. What is equal may still be written with other digits.
    """

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._known: dict[str, tuple[Sequence[Any], T]] = {}

    def make_all(self, names: Iterable[str], *columns: Iterable[Any]) -> dict[str, T]:
        """Return what is made of the values that *columns* have for each of *names*, where one is another object."""
        known = self._known
        rows = zip(names, zip(*columns, strict=False), strict=False)
        made = {name: self._find(known.get(name), given) for name, given in rows}
        # Replaced at once, as several threads may call.
        self._known = made
        return {name: each for name, (_, each) in made.items()}

    def _find(self, known: tuple[Sequence[Any], T] | None, given: Sequence[Any]) -> tuple[Sequence[Any], T]:
        if known is not None and all(map(is_, known[0], given)):
            return known
        return given, self._make(*given)
