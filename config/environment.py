"""
Readers of environment variables that refuse nonsense.

A refusal ends the process with one line on stderr that names the variable, its value and what is allowed. It is a
`SystemExit`, so no server, worker or command prints a traceback around it.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
# What this machine keeps: the local database, the embedded Redis, the local secret.
DATA_DIR = BASE_DIR / "var"

env = environ.Env()

T = TypeVar("T")

SWITCH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def load_dotenv() -> None:
    """Read the project's `.env` file when there is one; real environment variables win."""
    path = BASE_DIR / ".env"
    if path.is_file():
        env.read_env(path)


def refuse(name: str, value: object, allowed: str) -> NoReturn:
    """Stop the start: *name* has a *value* that is not among the *allowed*."""
    raise SystemExit(f"Bad setting: {name}={value!r} is not usable; allowed: {allowed}.")


def refuse_secret(name: str, allowed: str) -> NoReturn:
    """Stop the start like `refuse`, without showing the value."""
    raise SystemExit(f"Bad setting: {name} (its value is not shown) is not usable; allowed: {allowed}.")


def text(name: str, default: str = "") -> str:
    """Return the variable without white space around it; *default* when it is empty."""
    return str(env.str(name, default=default)).strip() or default


def _read(name: str, default: str, convert: Callable[[str], T], allowed: str) -> T:
    value = text(name, default)
    try:
        return convert(value)
    except (ValueError, ArithmeticError):
        refuse(name, value, allowed)


def number(name: str, default: str, least: float, most: float) -> float:
    """Return a finite number between *least* and *most*."""
    allowed = f"a number from {least:g} to {most:g}"
    value = _read(name, default, float, allowed)
    if not least <= value <= most:
        refuse(name, text(name, default), allowed)
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
    value = text(name, str(default))
    if value.lower() not in SWITCH:
        refuse(name, value, "True or False")
    return SWITCH[value.lower()]


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    """Return one of the *allowed* words."""
    value = text(name, default)
    if value not in allowed:
        refuse(name, value, ", ".join(allowed))
    return value


def words(name: str, default: str = "", allowed: Sequence[str] | None = None) -> list[str]:
    """Return a comma-separated list, without blanks and repetitions; each from *allowed* when that is given."""
    value = text(name, default)
    found = list(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))
    for word in found:
        if allowed is not None and word not in allowed:
            refuse(name, value, "a comma-separated list of " + ", ".join(allowed))
    return found


def url(name: str, default: str, schemes: Sequence[str]) -> str:
    """Return an address with a host that begins with one of the *schemes*, without a slash at its end."""
    value = text(name, default)
    if not is_address(value, schemes):
        refuse(name, without_password(value), "an address beginning with " + _alternatives(schemes))
    return value.rstrip("/")


def origins(name: str) -> list[str]:
    """Return a comma-separated list of origins as browsers write them: lower case, without the usual port."""
    found = words(name)
    for origin in found:
        if not is_address(origin, ("http", "https")) or urlsplit(origin).path:
            refuse(name, origin, "a comma-separated list of origins such as https://app.example.com")
    return [_as_browsers_write(origin.lower()) for origin in found]


def _as_browsers_write(origin: str) -> str:
    usual = {"http": ":80", "https": ":443"}[urlsplit(origin).scheme]
    return origin.removesuffix(usual)


def database(name: str, default: str) -> dict[str, Any]:
    """Return Django's description of the database at an address such as ``postgres://user:secret@host/name``."""
    value = text(name, default)
    if not value.startswith("sqlite:///") and not is_address(value, ("postgres", "postgresql")):
        refuse(name, without_password(value), "postgres://user:secret@host:5432/name or sqlite:///path/to.sqlite3")
    return dict(env.db_url_config(value))


def local_secret(path: Path) -> str:
    """Return the secret that this machine keeps at *path*, made on first use and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token_urlsafe(64))
    except FileExistsError:
        pass
    return path.read_text().strip()


def is_address(value: str, schemes: Sequence[str]) -> bool:
    """Return whether *value* is an address with a host that begins with one of the *schemes*."""
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def without_password(value: str) -> str:
    """Return the address *value* without what stands before its host."""
    return f"{value.split('://', maxsplit=1)[0]}://***@{value.rpartition('@')[2]}" if "@" in value else value


def _alternatives(schemes: Sequence[str]) -> str:
    return " or ".join(f"{scheme}://" for scheme in schemes)
