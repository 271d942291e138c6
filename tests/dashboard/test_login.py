"""Pages with `RATES_PAGES_AUTH=login`: strangers see the login, in their language, and then what they asked for."""

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from tests.boards import save

PAGES = ("/", "/coins/BTC/", "/embed/BTC/", "/coins/BTC.svg")
OPEN = ("/healthz", "/login/", "/api/rates/NONE/candles")
PASSWORD = "engine-1843"


@pytest.fixture(autouse=True)
def closed(settings, db: None) -> None:
    settings.RATES_PAGES_AUTH = "login"
    settings.MIDDLEWARE = [*django_settings.MIDDLEWARE, "dashboard.login.LoginMiddleware"]
    get_user_model().objects.create_user("reader", password=PASSWORD)
    save(BTC="1.50")


def log_in(client: Client, password: str = PASSWORD, **headers: str):
    form = {"username": "reader", "password": password, "next": "/coins/BTC/"}
    return client.post("/login/", form, headers=headers, secure=True)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_sends_strangers_to_the_login_and_then_back(path: str) -> None:
    answer = Client().get(path, secure=True)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")
    client = Client()
    client.force_login(get_user_model().objects.get(username="reader"))
    assert client.get(path, secure=True).get("Location", "").startswith("/login/") is False


@pytest.mark.parametrize("path", OPEN)
def test_probes_the_login_and_the_api_send_nobody_away(path: str) -> None:
    assert Client().get(path, secure=True).status_code in (200, 404)


def test_who_logs_in_sees_the_page_that_was_asked_for() -> None:
    client = Client()
    assert "next=" in client.get("/coins/BTC/", secure=True)["Location"]
    answer = log_in(client)
    assert (answer.status_code, answer["Location"]) == (302, "/coins/BTC/")
    page = client.get("/coins/BTC/", secure=True)
    assert (page.status_code, "Log out" in page.content.decode()) == (200, True)
    assert client.post("/logout/", secure=True)["Location"] == "/login/"
    assert client.get("/", secure=True).status_code == 302


def test_the_admin_keeps_its_own_login() -> None:
    assert Client().get("/admin/", secure=True)["Location"].startswith("/admin/login/")


def test_nobody_is_sent_to_another_site() -> None:
    form = {"username": "reader", "password": PASSWORD, "next": "https://evil.example.com/"}
    assert Client().post("/login/", form, secure=True)["Location"] == "/"


def test_the_login_speaks_german_and_says_what_was_wrong() -> None:
    client = Client(headers={"Accept-Language": "de"})
    page = client.get("/login/", secure=True).content.decode()
    assert all(word in page for word in ("Anmelden", "Benutzername", "Passwort", 'lang="de"'))
    assert 'role="alert"' in log_in(client, "wrong").content.decode()
    assert client.post("/i18n/setlang/", {"language": "de"}, secure=True)["Location"] == "/"


def test_passwords_cannot_be_guessed_there() -> None:
    assert [log_in(Client(), "wrong").status_code for _ in range(6)] == [200] * 5 + [429]


def test_the_token_of_pages_is_for_readers_who_are_logged_in() -> None:
    client, ours = Client(), {"Sec-Fetch-Site": "same-origin"}
    assert client.get("/api/socket-token", headers=ours, secure=True).status_code == 401
    log_in(client)
    assert client.get("/api/socket-token", headers=ours, secure=True).json()["token"]


def test_without_a_database_the_page_says_why_nobody_can_log_in() -> None:
    client = Client()
    log_in(client)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_session RENAME TO gone")
    answer = client.get("/", secure=True)
    assert (answer.status_code, "no such table" in answer.content.decode()) == (503, True)
