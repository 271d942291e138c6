"""`DATABASE_URL` in the spellings that libpq, dj-database-url and django-environ document."""

from getpass import getuser
from pathlib import Path

import pytest

from config.environment.database_address import database
from config.environment.readers import BASE_DIR

DEFAULT = BASE_DIR / "var" / "db.sqlite3"
PARTS = ("USER", "PASSWORD", "HOST", "PORT", "NAME")


@pytest.mark.parametrize(
    ("address", "parts", "options"),
    [
        ("postgres://u:p@h:5433/n", ("u", "p", "h", "5433", "n"), {}),
        ("postgresql://h/n?sslmode=require", ("", "", "h", "", "n"), {"sslmode": "require"}),
        ("pgsql://h/n", ("", "", "h", "", "n"), {}),
        ("postgis://h/n", ("", "", "h", "", "n"), {}),
        ("postgres:///n?host=/run/postgresql", ("", "", "/run/postgresql", "", "n"), {}),
        ("postgres:///n?host=/Run/x&port=5433&user=u&password=p", ("u", "p", "/Run/x", "5433", "n"), {}),
        ("postgres://%2FRun%2Fpostgresql/n", ("", "", "/Run/postgresql", "", "n"), {}),
        ("postgres://u@%2Frun%2Fpostgresql:5433/n", ("u", "", "/run/postgresql", "5433", "n"), {}),
        ("postgres:////run/postgresql/n", ("", "", "/run/postgresql", "", "n"), {}),
        ("postgres://u%40x:p%23a%2Fb@h/n", ("u@x", "p#a/b", "h", "", "n"), {}),
        ("postgres://u:p@s#s@h/n", ("u", "p@s#s", "h", "", "n"), {}),
        ("postgres://u:p@h/n?application_name=a@b", ("u", "p", "h", "", "n"), {"application_name": "a@b"}),
        ("postgres://[2001:db8::1]:5433/n", ("", "", "2001:db8::1", "5433", "n"), {}),
        (
            "postgres://h1:1,h2:2/n?target_session_attrs=primary",
            ("", "", "h1,h2", "1,2", "n"),
            {"target_session_attrs": "primary"},
        ),
        ("postgres://h/n?options=-c%20search_path%3Dx", ("", "", "h", "", "n"), {"options": "-c search_path=x"}),
        ("postgres:///?service=rates", ("", "", "", "", ""), {"service": "rates"}),
        ("postgres://u@h", ("u", "", "h", "", "u"), {}),
        ("postgresql://", ("", "", "", "", getuser()), {}),
        ("host=/run/postgresql dbname=n password='p q'", ("", "p q", "/run/postgresql", "", "n"), {}),
    ],
)
def test_every_spelling_of_libpq_is_understood(
    monkeypatch: pytest.MonkeyPatch, address: str, parts: tuple[str, ...], options: dict[str, str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    found = database("DATABASE_URL", DEFAULT)
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert tuple(found[part] for part in PARTS) == parts
    assert found["OPTIONS"] == options


def test_djangos_options_stand_beside_the_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://h/n?conn_max_age=60&sslmode=require&CONN_HEALTH_CHECKS=false")
    found = database("DATABASE_URL", DEFAULT)
    assert (found["CONN_MAX_AGE"], found["CONN_HEALTH_CHECKS"]) == (60, False)
    assert found["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("", DEFAULT),
        ("sqlite:////data/a%20b+c.sqlite3", Path("/data/a b+c.sqlite3")),
        ("sqlite:///data/rates.sqlite3", BASE_DIR / "data" / "rates.sqlite3"),
    ],
)
def test_a_file_of_sqlite_is_the_same_for_every_process(
    monkeypatch: pytest.MonkeyPatch, address: str, path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    assert database("DATABASE_URL", DEFAULT)["NAME"] == path


def test_sqlite_takes_options_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///rates.sqlite3?timeout=5")
    assert database("DATABASE_URL", DEFAULT)["OPTIONS"] == {"timeout": 5}


def test_a_misspelt_sslmode_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u:guess-me@h/n?sslmode=required")
    with pytest.raises(SystemExit, match=r"DATABASE_URL='…sslmode=required' is not usable; .*require or") as refused:
        database("DATABASE_URL", DEFAULT)
    assert "guess-me" not in str(refused.value)
