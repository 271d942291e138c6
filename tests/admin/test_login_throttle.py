"""The admin's login: passwords cannot be guessed by brute force, and staff cannot be locked out by others."""

import logging
import os
from collections.abc import Iterator
from itertools import islice

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from rates import store
from rates.admin.login_throttle import MAX_PER_ADDRESS, MAX_PER_NAME, MAX_PER_PAIR, WINDOW

PASSWORD = "engine-1843"


@pytest.fixture(autouse=True)
def staff(db: None) -> None:
    for name in ("ada", "grace"):
        get_user_model().objects.create_superuser(name, f"{name}@example.com", PASSWORD)


def log_in(name: str = "ada", password: str = "wrong", address: str = "203.0.113.1", **headers: str):
    form = {"username": name, "password": password, "next": "/admin/"}
    return Client(REMOTE_ADDR=address).post("/admin/login/", form, headers=headers, secure=True)


def addresses() -> Iterator[str]:
    return (f"198.51.{number // 250}.{number % 250}" for number in range(10**4))


def test_after_five_failures_even_the_right_password_must_wait() -> None:
    assert [log_in().status_code for _ in range(MAX_PER_PAIR)] == [200] * MAX_PER_PAIR
    refused = log_in(password=PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= WINDOW
    assert "5 min" in refused.content.decode()
    assert "sessionid" not in refused.cookies


def test_the_pause_names_whom_it_is_for() -> None:
    pages = [log_in().content.decode() for _ in range(MAX_PER_PAIR + 1)]
    assert "Logging in as “ada” from 203.0.113.1 is blocked for now." in pages[-1]
    pages = [log_in(f"name{number}").content.decode() for number in range(MAX_PER_ADDRESS)]
    assert "Logging in from 203.0.113.1 is blocked for now, whatever the name." in pages[-1]
    others = islice(addresses(), MAX_PER_NAME + 1)
    pages = [log_in("grace", address=address).content.decode() for address in others]
    assert "Logging in as “grace” is blocked for now." in pages[-1]


def test_the_wait_ends_and_further_attempts_do_not_extend_it() -> None:
    for _ in range(MAX_PER_PAIR + 3):
        log_in()
    for key in store.client().keys("rates:login:*"):
        assert store.client().ttl(key) <= WINDOW
        store.client().expire(key, 0)  # as if the time had passed
    assert log_in(password=PASSWORD).status_code == 302


def test_others_and_the_same_user_elsewhere_may_log_in_meanwhile() -> None:
    for _ in range(MAX_PER_PAIR + 1):
        log_in()
    assert log_in("grace", PASSWORD).status_code == 302
    assert log_in(password=PASSWORD, address="203.0.113.2").status_code == 302


def test_the_right_password_resets_the_failures() -> None:
    for _ in range(MAX_PER_PAIR - 1):
        log_in()
    assert log_in(password=PASSWORD).status_code == 302
    assert log_in().status_code == 200


def test_one_address_cannot_try_many_names_nor_reset_itself_with_its_own_account() -> None:
    for number in range(MAX_PER_ADDRESS - 1):
        log_in(f"guess-{number}")
    assert log_in("grace", PASSWORD).status_code == 302
    assert log_in("ada").status_code == 429


def test_many_addresses_cannot_try_one_name_forever_and_do_not_lock_its_user_out() -> None:
    usual = "203.0.113.9"
    assert log_in(password=PASSWORD, address=usual).status_code == 302
    for address, _ in zip(addresses(), range(MAX_PER_NAME), strict=False):
        log_in(address=address)
    assert log_in(password=PASSWORD, address="203.0.113.77").status_code == 429
    assert log_in(password=PASSWORD, address=usual).status_code == 302


def test_a_name_in_another_spelling_is_the_same_name() -> None:
    for name in ("ada", "ADA", " ada", "Ada ", "aDa"):
        log_in(name)
    assert log_in().status_code == 429


def test_a_forged_forwarded_header_does_not_change_the_address(settings) -> None:
    for number in range(MAX_PER_PAIR):
        log_in(X_Forwarded_For=f"192.0.2.{number}")
    assert log_in(X_Forwarded_For="192.0.2.99").status_code == 429


def test_behind_a_trusted_proxy_the_forwarded_address_counts(settings) -> None:
    settings.TRUSTED_PROXY = True
    for _ in range(MAX_PER_PAIR + 1):
        log_in(X_Forwarded_For="10.0.0.1, 192.0.2.1")
    assert log_in(X_Forwarded_For="10.0.0.1, 192.0.2.1").status_code == 429
    assert log_in(password=PASSWORD, X_Forwarded_For="10.0.0.1, 192.0.2.2").status_code == 302


@pytest.mark.parametrize("spelling", ["192.0.2.{}:{}", "[2001:db8::{}]:{}", "2001:db8::{}%e{}", "unknown{}{}"])
def test_neither_ports_nor_the_addresses_of_one_host_are_new_attempts(settings, caplog, spelling: str) -> None:
    settings.TRUSTED_PROXY = True
    host = "{}" if "db8" in spelling or "unknown" in spelling else "7"
    for number in range(MAX_PER_PAIR + 1):
        log_in(X_Forwarded_For=spelling.format(host.format(number), 4000 + number))
    assert log_in(X_Forwarded_For=spelling.format(host.format(9), 4999)).status_code == 429
    assert ("TRUSTED_PROXY" in caplog.text) == ("unknown" in spelling)


def test_without_redis_logins_work_and_a_line_says_that_they_are_not_limited(settings, caplog) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    store.client.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert log_in(password=PASSWORD).status_code == 302
    finally:
        settings.REDIS_URL = os.environ["REDIS_URL"]
        store.client.cache_clear()
    assert any("logins are not limited" in line for line in caplog.messages)


def test_redis_stores_neither_names_nor_addresses() -> None:
    log_in()
    assert store.client().keys("rates:login:*")
    assert not [key for key in store.client().keys("*") if "ada" in key or "203.0.113" in key]


def test_loading_the_form_is_not_an_attempt() -> None:
    for _ in range(MAX_PER_ADDRESS + 5):
        assert Client().get("/admin/login/", secure=True).status_code == 200
    assert not store.client().keys("rates:login:*")
