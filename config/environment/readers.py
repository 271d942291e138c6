"""
Readers of environment variables that refuse nonsense.

A refusal ends the process with one line on stderr that names the variable, its value and what is allowed; the value of
a secret is never shown.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn, TypeVar

import environ

from config.console import refuse_start
from config.environment.env_file import read_env_file
from config.folder import BASE_DIR

T = TypeVar("T")


class LiteralEnv(environ.Env):  # type: ignore[misc]
    """django-environ without its references: to it, a value that begins with `$` is the name of another variable."""

    def get_value(self, var: str, cast: Any = str, default: Any = "", parse_default: bool = False) -> Any:
        """Return the variable *var*, or *default*."""
        return self.parse_value(self.ENVIRON.get(var, default), cast)


env = LiteralEnv()

SWITCH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
# What `docker run --env-file` and Docker Compose make of quotes.
IN_QUOTES = re.compile(r"""(['"]).*\1""", re.DOTALL)
# Another setting that was written behind a value; its own may be a secret.
NEXT_SETTING = re.compile(r"([\s,;&]\w+=).*", re.DOTALL)
# Every name that a reader below was asked for.
known_names: set[str] = set()
# What honcho gives to the first process of the Procfile when nobody has named a port.
HONCHO_PORT = "5000"
# Names that stand in `.env` for others: docker-compose.yml.
COMPOSE_NAMES = ("POSTGRES_PASSWORD", "HTTP_PORT", "HTTPS_PORT", "TLS_DIR", "RATES_VERSION")
OUR_PREFIXES = (
    "RATES_",
    "COINGECKO_",
    "BINANCE_",
    "KRAKEN_",
    "ECB_",
    "SUPPORTED_COINS",
    "QUOTE_CURRENCY",
    "METRICS_TOKEN",
)
# What Kubernetes sets for services, which may be called rates too.
KUBERNETES = re.compile(r"_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$")


def load_dotenv() -> dict[str, str]:
    """
    Put the values of the project's `.env` file into the environment, whose own win; return them by name.

    An empty variable is one that is not set: it takes no protection away that the file has set.
    """
    values = read_env_file(BASE_DIR / ".env")
    if "HONCHO_PROCESS_NAME" in os.environ:
        _undo_honcho(values)
    for name, value in values.items():
        if not os.environ.get(name):
            os.environ[name] = value
    return values


def _undo_honcho(values: Mapping[str, str]) -> None:
    """Take back what `honcho start` did to the environment: it has read the file in its own way, and set `PORT`."""
    os.environ.update({name: value for name, value in values.items() if value})
    if "PORT" not in values and os.environ.get("PORT") == HONCHO_PORT:
        del os.environ["PORT"]


def refuse(name: str, value: object, allowed: str) -> NoReturn:
    """Stop the start: *name* has a *value* that is not among the *allowed*."""
    shown = NEXT_SETTING.sub(r"\1…", value) if isinstance(value, str) else value
    refuse_start(f"Bad setting: {name}={shown!r} is not usable; allowed: {allowed}.")


def refuse_secret(name: str, allowed: str) -> NoReturn:
    """Stop the start like `refuse`, without showing the value."""
    refuse_start(f"Bad setting: {name} (its value is not shown) is not usable; allowed: {allowed}.")


def text(name: str, default: str = "") -> str:
    """Return the variable, literally, without white space around it; *default* when it is empty."""
    known_names.add(name)
    value = str(env.str(name, default=""))
    if value and not value.strip():
        # It was set, so it must not mean what "not set" means: that may be an open door.
        refuse(name, value, "a value, or nothing at all")
    if IN_QUOTES.fullmatch(value.strip()):
        refuse_secret(name, "a value without quotes around it, which would be part of it")
    return value.strip() or default


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
    if value and not found:
        refuse(name, value, "a comma-separated list, or nothing at all")
    for word in found:
        if allowed is not None and word not in allowed:
            refuse(name, value, "a comma-separated list of " + ", ".join(allowed))
    return found


def refuse_misspelt_names(in_file: Collection[str]) -> None:
    """
    Stop the start for a name that no reader was asked for and that looks like one of theirs.

    Of the names *in_file* any is compared; of the environment, which other programs share, only what looks like ours.
    """
    known = [*known_names, *COMPOSE_NAMES]
    ours = [name for name in known if name.startswith(OUR_PREFIXES)]
    for name in sorted({*in_file, *os.environ} - {*known}):
        nearest = _nearest(name, known, 0.8) if name in in_file else _nearest(name, ours, 0.9)
        if nearest and (name in in_file or not KUBERNETES.search(name)):
            refuse_start(f"Bad setting: {name} is not a setting; did you mean {nearest}?")


def _nearest(name: str, known: Sequence[str], alike: float) -> str:
    """Return the one of the *known* names that *name* was meant to be; empty when it is another program's."""
    upper = name.upper()
    if f"RATES_{upper}" in known:
        return f"RATES_{upper}"
    cutoff = 0.0 if upper.startswith("RATES_") else alike
    return next(iter(get_close_matches(upper, known, 1, cutoff)), "")
