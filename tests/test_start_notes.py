"""What a process says at its start."""

import logging
import threading
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from rates.exceptions import one_line
from rates.start_notes import find_missing_tables, note_preparation, note_proxies
from tests.faults.processes import wait_until
from tests.ports import free_port


def test_a_proxy_is_told_with_its_setting_and_without_its_password_also_that_it_is_down(settings, caplog) -> None:
    caplog.set_level(logging.INFO)
    port = free_port()
    settings.HTTPS_PROXY = settings.HTTP_PROXY = f"http://user:guess-me@127.0.0.1:{port}"
    note_proxies()
    place = f"the proxy http://127.0.0.1:{port} (HTTPS_PROXY, HTTP_PROXY)"
    assert f"outgoing connections use {place}" in caplog.text
    wait_until(lambda: f"{place} cannot be reached: Connection refused" in caplog.text, 20)
    assert "guess-me" not in caplog.text


def test_a_proxy_under_a_name_that_is_not_read_is_told(settings, caplog, monkeypatch) -> None:
    settings.HTTPS_PROXY = settings.HTTP_PROXY = ""
    note_proxies()
    assert caplog.text == ""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    note_proxies()
    assert "ALL_PROXY is set and not used: set HTTPS_PROXY and HTTP_PROXY" in caplog.text


@pytest.mark.django_db
def test_static_files_that_are_not_collected_are_told_in_production(settings, caplog, tmp_path: Path) -> None:
    settings.DEBUG = False
    threads = threading.active_count()
    settings.STATIC_ROOT, backend = tmp_path, {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": backend}
    call_command("collectstatic", interactive=False, verbosity=0)
    note_preparation()
    assert "collectstatic" in caplog.text, "without hashed names, as with DEBUG"
    caplog.clear()
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "config.static.StaticStorage"}}
    call_command("collectstatic", interactive=False, verbosity=0)
    note_preparation()
    assert "collectstatic" not in caplog.text
    settings.STATIC_ROOT = tmp_path / "static"
    note_preparation()
    assert caplog.text.count("run manage.py collectstatic") == 1
    # Each looks for tables in a thread, which must not outlive the test's database.
    wait_until(lambda: threading.active_count() == threads, 20)


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["SELECT 1 FROM no_such_table", "SELECT no_such_column FROM rates_coin"])
def test_missing_tables_are_told_with_what_to_do(query: str) -> None:
    with pytest.raises(DatabaseError) as failed, connection.cursor() as cursor:
        cursor.execute(query)
    assert one_line(failed.value).endswith("; run manage.py migrate")


@pytest.mark.django_db(transaction=True)
def test_a_table_that_is_missing_is_told_by_its_name() -> None:
    assert find_missing_tables() == []
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE rates_candle RENAME TO elsewhere")
        try:
            assert find_missing_tables() == ["rates_candle"]
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO rates_candle")


def test_any_other_failure_is_its_first_line() -> None:
    assert one_line(DatabaseError("disk I/O error\nand more")) == "disk I/O error"
