"""Who may read the API with `RATES_API_AUTH=jwt`."""

from datetime import timedelta
from importlib import import_module

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.test import Client

from rates.fanout.tokens import issue_page_token, issue_token
from tests.gateway.asking import ask
from tests.gateway.test_gate import SITE, read_problem


@pytest.fixture(autouse=True)
def closed(settings) -> None:
    settings.RATES_API_AUTH = "jwt"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/api/rates", "/api/rates/BTC", "/api/rates/BTC/history", "/api/nothing", "/api/"])
async def test_without_a_token_nothing_is_answered(board: None, path: str) -> None:
    for headers in ({}, {"authorization": "Bearer nonsense"}, {"cookie": "sessionid=nonsense"}):
        answer = await ask(path, **headers)
        assert read_problem(answer) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("issue", [issue_page_token, lambda: issue_token("program", timedelta(minutes=1))])
async def test_a_token_opens_the_api_and_shared_caches_keep_nothing(board: None, issue) -> None:
    answer = await ask("/api/rates", authorization=f"Bearer {issue()}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, max-age=1")
    assert {"Authorization", "Cookie"} <= set(answer.headers["vary"].split(", "))
    assert (await ask("/api/rates")).status_code == 401


async def test_a_key_of_coingeckos_clients_is_a_token_on_their_paths_only(board: None) -> None:
    token = issue_token("program", timedelta(minutes=1))
    for headers in ({"x_cg_demo_api_key": token}, {"x_cg_pro_api_key": token}):
        assert (await ask("/api/v3/nothing", **headers)).status_code == 404
        assert (await ask("/api/rates", **headers)).status_code == 401
    assert (await ask(f"/api/v3/nothing?x_cg_pro_api_key={token}")).status_code == 404
    assert (await ask("/api/v3/nothing?x_cg_pro_api_key=nonsense")).status_code == 401
    assert (await ask(f"/api/rates?x_cg_pro_api_key={token}")).status_code == 401


@pytest.mark.django_db(transaction=True)
async def test_a_session_counts_on_our_pages_and_listed_ones(board: None, settings) -> None:
    client = Client()
    user = await sync_to_async(get_user_model().objects.create_user)("reader", password="x")
    await sync_to_async(client.force_login)(user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    assert (await ask("/api/rates", cookie=cookie)).status_code == 200
    assert (await ask("/api/rates", cookie=cookie, origin="http://testserver")).status_code == 200
    # A star lets pages of any site read what everybody may read, never what this person may.
    settings.RATES_ALLOWED_ORIGINS = ["*"]
    assert (await ask("/api/rates", cookie=cookie, origin=SITE)).status_code == 401
    settings.RATES_ALLOWED_ORIGINS = [SITE]
    assert (await ask("/api/rates", cookie=cookie, origin=SITE)).status_code == 200
    await sync_to_async(import_module(settings.SESSION_ENGINE).SessionStore(cookie.partition("=")[2]).delete)()
    assert (await ask("/api/rates", cookie=cookie)).status_code == 401
