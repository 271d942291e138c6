"""
The address of the database, in every form that PostgreSQL's own library reads, and SQLite's.

    postgres://user:secret@host:5432/name?sslmode=require      also postgresql://, pgsql://, psql:// and postgis://
    postgres:///name?host=/run/postgresql                      also postgres://%2Frun%2Fpostgresql/name
    postgres://user@host1,host2/name?target_session_attrs=primary, postgres:///?service=rates
    host=/run/postgresql dbname=name
    sqlite:///path/to.sqlite3 in the project's folder, sqlite:////path/to.sqlite3 anywhere

In the query, Django's own options (`conn_max_age`) may stand beside the library's.
Reference: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
"""

import re
from getpass import getuser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from config.environment.addresses import without_secrets
from config.environment.readers import env, refuse, text
from config.folder import BASE_DIR

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
POSTGRES = ("postgres", "postgresql", "pgsql", "psql", "postgis")
FORMS = "postgres://user:secret@host:5432/name, postgres:///name?host=/run/postgresql or sqlite:///path/to.sqlite3"
SSL_MODE = re.compile(r"\bsslmode=([a-z-]+)", re.IGNORECASE)
DJANGO_OPTION = re.compile(
    r"(atomic_requests|autocommit|conn_health_checks|conn_max_age|disable_server_side_cursors)=", re.IGNORECASE
)


def database(name: str, default: Path) -> dict[str, Any]:
    """Return Django's description of the database in the variable *name*; without one, of the SQLite file *default*."""
    value = text(name)
    scheme, separator, rest = value.partition("://")
    if not value:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": default}
    if scheme == "sqlite":
        found = _sqlite(rest)
    elif scheme in POSTGRES:
        found = _postgres(f"postgresql://{rest}")
    else:
        found = {} if separator else _postgres(value)
    mode = SSL_MODE.search(value)
    if not found and mode and mode[1] not in SSL_MODES:
        refuse(name, f"…{mode[0]}", f"sslmode={' or '.join(SSL_MODES)}")
    if not found:
        refuse(name, without_secrets(value), FORMS)
    return found


def _sqlite(rest: str) -> dict[str, Any]:
    """Return the file of an address; none for a database in memory, which processes cannot share."""
    path, _, query = rest.partition("?")
    if not path.startswith("/") or path in ("/", "/:memory:"):
        return {}
    return {**env.db_url_config(f"sqlite:///file?{query}"), "NAME": BASE_DIR / unquote(path[1:])}


def _postgres(address: str) -> dict[str, Any]:
    """Return the parts of an address; none when libpq cannot read it."""
    from psycopg import ProgrammingError  # noqa: PLC0415 - 10 MB that SQLite does without
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    address, django_options = _take_django_options(_escape_at_signs(address))
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(address).items()}
    except ProgrammingError:
        return {}
    if parts.get("sslmode", SSL_MODES[0]) not in SSL_MODES:
        return {}
    login = {key: parts.pop(key.lower(), "") for key in ("USER", "PASSWORD", "HOST", "PORT")}
    if not all(port == "" or (port.isdecimal() and 0 < int(port) < 65536) for port in login["PORT"].split(",")):
        return {}
    # django-environ's form of a socket: its folder and the name are one path.
    folder, _, name = parts.pop("dbname", "").rpartition("/")
    login["HOST"] = login["HOST"] or folder
    if not name and "service" not in parts:
        name = login["USER"] or getuser()
    options = env.db_url_config(f"postgres:///name?{django_options}")
    if not isinstance(options.get("CONN_MAX_AGE", 0), int | None):
        return {}
    return {**options, **login, "NAME": name, "OPTIONS": parts}


def _escape_at_signs(address: str) -> str:
    """Let a password have an `@` as it stands: the last one is that before the host."""
    return re.sub(r"(?<=://)[^/?]*(?=@)", lambda login: login[0].replace("@", "%40"), address, count=1)


def _take_django_options(address: str) -> tuple[str, str]:
    """Return the address without Django's options, and those, with the words as Python writes them."""
    head, _, query = address.partition("?")
    taken = [part for part in query.split("&") if DJANGO_OPTION.match(part)]
    if not taken:
        return address, ""
    left = [part for part in query.split("&") if part not in taken]
    return "?".join([head, *(["&".join(left)] if left else [])]), "&".join(
        f"{name}={value.capitalize()}" for name, _, value in (part.partition("=") for part in taken)
    )
