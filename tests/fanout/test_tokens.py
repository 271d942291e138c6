import base64
import json
import time
from datetime import timedelta

import jwt
import pytest
from asgiref.sync import sync_to_async
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.management import CommandError, call_command
from django.db import connection
from websockets.exceptions import InvalidStatus

from rates.fanout import tokens
from rates.fanout.tokens import TokenRefused, check_token, find_token, issue_page_token, issue_token
from tests.servers import closed_code, next_frame, open_socket, serving

SECRET = "a-shared-secret-of-more-than-32-bytes-for-tests"


@pytest.fixture(autouse=True)
def jwt_mode(settings):
    settings.RATES_WS_AUTH = "jwt"
    settings.RATES_JWT_KEY = SECRET
    settings.RATES_JWT_ALGORITHM = "HS256"
    settings.RATES_JWT_AUDIENCE = settings.RATES_JWT_ISSUER = ""


def sign(key: str = SECRET, algorithm: str = "HS256", **claims) -> str:
    return jwt.encode({"exp": time.time() + 60} | claims, key, algorithm)


def key_pair(private) -> tuple[str, str]:
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return secret.decode(), public.decode()


def unsigned(header: dict, claims: dict) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    return ".".join([*parts, ""])


def test_a_valid_token_yields_its_expiry() -> None:
    assert time.time() < check_token(sign()) < time.time() + 61
    assert check_token(issue_token("ticker", timedelta(hours=1))) > time.time() + 3500


@pytest.mark.parametrize(
    "token",
    [
        lambda: "",
        lambda: "not.a.token",
        lambda: sign(exp=time.time() - 1),
        lambda: sign(nbf=time.time() + 60),
        lambda: jwt.encode({"sub": "no exp"}, SECRET),
        lambda: sign("another-secret-that-has-more-than-32-bytes"),
        lambda: sign()[:-4] + "AAAA",
        lambda: unsigned({"alg": "none", "typ": "JWT"}, {"exp": time.time() + 60}),
        lambda: sign(algorithm="HS384", key=SECRET * 2),
        lambda: sign(padding="x" * 5000),
        lambda: base64.urlsafe_b64encode(b"[" * 2900).decode() + ".e30.AAAA",
    ],
    ids=[
        "empty",
        "garbled",
        "expired",
        "early",
        "endless",
        "foreign",
        "tampered",
        "none",
        "other-algorithm",
        "huge",
        "deep",
    ],
)
def test_a_bad_token_is_refused(token) -> None:
    with pytest.raises(TokenRefused):
        check_token(token())


def test_audience_and_issuer_are_checked_when_configured(settings) -> None:
    settings.RATES_JWT_AUDIENCE, settings.RATES_JWT_ISSUER = "rates", "https://login.example.com"
    check_token(issue_token("ticker", timedelta(hours=1)))
    for claims in ({}, {"aud": "rates"}, {"aud": "mail", "iss": "https://login.example.com"}):
        with pytest.raises(TokenRefused):
            check_token(sign(**claims))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_public_key_verifies_and_is_never_used_as_a_shared_secret(settings, algorithm: str) -> None:
    private = rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
    secret, public = key_pair(private)
    settings.RATES_JWT_ALGORITHM, settings.RATES_JWT_KEY = algorithm, public
    check_token(sign(secret, algorithm))
    confused = unsigned({"alg": "HS256"}, {"exp": time.time() + 60}).rstrip(".")
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        confused.encode(), public.encode()
    )
    with pytest.raises(TokenRefused):
        check_token(f"{confused}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}")
    with pytest.raises(CommandError, match="cannot sign"):
        call_command("issue_token", "ticker")


def test_a_page_token_is_valid_for_minutes_and_only_for_this_service(settings) -> None:
    token = issue_page_token()
    assert time.time() < check_token(token) <= time.time() + tokens.PAGE_TOKEN_LIFETIME.total_seconds()
    settings.SECRET_KEY = "another" * 10
    with pytest.raises(TokenRefused):
        check_token(token)


def test_the_command_prints_a_token_and_nothing_else(capsys) -> None:
    call_command("issue_token", "ticker", "--ttl", "2h")
    assert check_token(capsys.readouterr().out.strip()) > time.time() + 7000


@pytest.mark.parametrize("ttl", ["", "1", "0h", "1y", "-1h"])
def test_the_command_refuses_nonsense(ttl: str) -> None:
    with pytest.raises(CommandError, match="--ttl"):
        call_command("issue_token", "ticker", f"--ttl={ttl}")


def test_a_token_is_found_in_the_header_and_beside_the_dialect() -> None:
    assert find_token({"subprotocols": []}, {b"authorization": b"Bearer a.b.c"}) == "a.b.c"
    assert find_token({"subprotocols": ["rates.v1", "bearer", "a.b.c"]}, {}) == "a.b.c"
    assert find_token({"subprotocols": ["rates.v1", "bearer"]}, {b"authorization": b"Basic eDp5"}) is None


async def test_a_token_opens_the_socket_and_is_never_echoed() -> None:
    async with serving() as address:
        async with open_socket(address, subprotocols=["rates.v1", "bearer", sign()]) as client:
            assert (await next_frame(client))["type"] == "hello"
            assert client.subprotocol == "rates.v1"
        async with open_socket(address, additional_headers={"Authorization": f"Bearer {sign()}"}) as client:
            assert (await next_frame(client))["type"] == "hello"
        async with open_socket(address, subprotocols=["bearer", sign()]) as client:
            assert client.subprotocol == "bearer"


@pytest.mark.parametrize("query", ["", f"?token={sign()}&access_token={sign()}"], ids=["none", "in-the-address"])
async def test_without_a_token_the_socket_is_closed_with_a_code_that_browsers_can_read(query: str) -> None:
    async with serving() as address, open_socket(address, query) as client:
        assert await closed_code(client) == 4001


async def test_a_foreign_origin_is_refused_before_its_token_is_verified() -> None:
    async with serving() as address:
        with pytest.raises(Exception, match="403"):
            await open_socket(address, origin="https://evil.example", subprotocols=["rates.v1", "bearer", sign()])


async def test_a_socket_is_closed_when_its_token_expires() -> None:
    async with serving() as address:
        token = sign(exp=int(time.time()) + 5)
        async with open_socket(address, subprotocols=["rates.v1", "bearer", token]) as client:
            assert (await next_frame(client))["type"] == "hello"
            assert await closed_code(client) == 4001


@pytest.mark.django_db(transaction=True)
async def test_the_session_of_a_logged_in_user_opens_the_socket(async_client, django_user_model) -> None:
    user = await django_user_model.objects.acreate_user("staff", password="secret")
    await async_client.aforce_login(user)
    cookie = async_client.cookies["sessionid"].value
    async with serving() as address:
        async with open_socket(address, additional_headers={"Cookie": f"sessionid={cookie}"}) as client:
            assert (await next_frame(client))["type"] == "hello"
        async with open_socket(address, additional_headers={"Cookie": "sessionid=guessed-key"}) as client:
            assert await closed_code(client) == 4001


@pytest.mark.django_db(transaction=True)
async def test_a_session_that_cannot_be_looked_up_is_refused_and_a_token_needs_no_database(caplog) -> None:
    """It is refused before the accept, without a traceback, and logged once."""
    await rename_table("django_session", "lost")
    try:
        async with serving() as address:
            for _ in range(2):
                with pytest.raises(InvalidStatus, match="503"):
                    await open_socket(address, additional_headers={"Cookie": "sessionid=guessed-key"})
            async with open_socket(address, subprotocols=["rates.v1", "bearer", sign()]) as client:
                assert (await next_frame(client))["type"] == "hello"
    finally:
        await rename_table("lost", "django_session")
    assert "Traceback" not in caplog.text
    assert [r.getMessage() for r in caplog.records if r.name.startswith("rates.")] == [
        "socket refused: its session cannot be looked up: no such table: django_session"
    ]


@sync_to_async
def rename_table(old: str, new: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


def test_only_our_own_pages_get_a_token(client) -> None:
    same = client.get("/api/socket-token", headers={"Sec-Fetch-Site": "same-origin"})
    check_token(same.json()["token"])
    assert same.headers["Cache-Control"] == "no-store"
    assert client.get("/api/socket-token", headers={"Referer": "http://testserver/"}).status_code == 200
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Referer": "http://testserver.evil.example/"}):
        assert client.get("/api/socket-token", headers=headers).status_code == 403
