"""Readers of environment variables that refuse nonsense with one line naming the variable and what is allowed."""

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

T = TypeVar("T")


def refuse(name: str, value: object, allowed: str) -> NoReturn:
    """Stop the start: *name* has a *value* that is not among the *allowed*."""
    raise ImproperlyConfigured(f"{name}={value!r} is not usable; allowed: {allowed}.")


def _read(name: str, default: str, convert: Callable[[str], T], allowed: str) -> T:
    text = env.str(name, default=default).strip() or default
    try:
        return convert(text)
    except (ValueError, ArithmeticError):
        refuse(name, text, allowed)


def number(name: str, default: str, least: float, most: float) -> float:
    """Return a finite number between *least* and *most*."""
    allowed = f"a number from {least:g} to {most:g}"
    value = _read(name, default, float, allowed)
    if not least <= value <= most:
        refuse(name, env.str(name, default=default), allowed)
    return value


def whole(name: str, default: str, least: int, most: int) -> int:
    """Return a whole number between *least* and *most*."""
    allowed = f"a whole number from {least} to {most}"
    value = _read(name, default, int, allowed)
    if not least <= value <= most:
        refuse(name, value, allowed)
    return value


def switch(name: str, default: bool) -> bool:
    """Return True or False."""
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    text = env.str(name, default=str(default)).strip().lower() or str(default).lower()
    if text not in words:
        refuse(name, text, "True or False")
    return words[text]


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    """Return one of the *allowed* words."""
    text = env.str(name, default=default).strip() or default
    if text not in allowed:
        refuse(name, text, ", ".join(allowed))
    return text


def words(name: str, default: str, allowed: Sequence[str] | None = None) -> list[str]:
    """Return a comma-separated list, without blanks and repetitions; each from *allowed* when that is given."""
    text = env.str(name, default=default)
    found = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    for word in found:
        if allowed is not None and word not in allowed:
            refuse(name, text, "a comma-separated list of " + ", ".join(allowed))
    return found


def url(name: str, default: str, schemes: Sequence[str]) -> str:
    """Return an address that begins with one of the *schemes*."""
    text = env.str(name, default=default).strip() or default
    if not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        refuse(name, text, "an address beginning with " + " or ".join(f"{scheme}://" for scheme in schemes))
    return text.rstrip("/")
