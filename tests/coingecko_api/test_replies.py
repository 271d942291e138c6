"""What is the same on every path: slashes, methods, headers, errors, keys."""

import pytest
from pytest_django import Settings

from rates.fanout.hub import get_hub
from rates.fanout.tokens import issue_page_token
from rates.types import Snapshot
from tests.boards import fragments
from tests.coingecko_api.market import Api, make_snapshot

pytestmark = pytest.mark.django_db
PATHS = [
    ("ping", ""),
    ("simple/price", "?ids=bitcoin&vs_currencies=usd"),
    ("simple/supported_vs_currencies", ""),
    ("exchange_rates", ""),
    ("search", "?query=bitcoin"),
    ("coins/list", ""),
    ("coins/markets", "?vs_currency=usd"),
    ("coins/bitcoin", ""),
    ("coins/bitcoin/history", "?date=20-11-2026"),
    ("coins/bitcoin/market_chart", "?vs_currency=usd&days=1"),
    ("coins/bitcoin/market_chart/range", "?vs_currency=usd&from=2026-11-20&to=2026-11-21"),
    ("coins/bitcoin/ohlc", "?vs_currency=usd&days=1"),
    ("images/bitcoin.svg", ""),
]
ERRORS = [
    ("nowhere", 404),
    ("coins", 404),
    ("coins/none", 404),
    ("coins/none/market_chart?vs_currency=usd&days=1", 404),
    ("coins/markets?vs_currency=zzz", 400),
    ("coins/markets", 422),
    ("simple/price?ids=bitcoin", 422),
]


@pytest.mark.parametrize(("path", "query"), PATHS)
def test_a_path_with_and_without_a_slash_is_the_same(api: Api, path: str, query: str) -> None:
    first, second = api.ask(path + query), api.ask(f"{path}/{query}")
    assert (first.status_code, second.status_code) == (200, 200), first.text
    assert first.headers["Content-Type"] in ("application/json; charset=utf-8", "image/svg+xml")
    assert "max-age" in first.headers["Cache-Control"]


@pytest.mark.parametrize(("path", "query"), PATHS)
def test_head_says_what_get_does_without_a_body(api: Api, path: str, query: str) -> None:
    answer = api.ask(path + query, "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize(("path", "query"), PATHS)
def test_pages_of_any_site_may_read_every_answer(api: Api, path: str, query: str) -> None:
    assert api.ask(path + query, Origin="https://app.example.com").headers["Access-Control-Allow-Origin"] == "*"
    asked = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "x-cg-demo-api-key",
    }
    preflight = api.ask(path + query, "OPTIONS", **asked)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("x-cg-demo-api-key", "x-cg-pro-api-key", "content-type", "accept"))
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(("path", "status"), ERRORS)
def test_an_error_says_what_was_wrong_to_pages_of_any_site(api: Api, path: str, status: int) -> None:
    answer = api.ask(path)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"


def test_other_methods_are_refused(api: Api) -> None:
    answer = api.ask("simple/price", "POST")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_who_holds_the_answer_is_told_so(api: Api) -> None:
    path = "simple/price?ids=bitcoin&vs_currencies=usd"
    answer = api.ask(path)
    again = api.ask(path, **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    assert again.headers["Access-Control-Allow-Origin"] == "*"


def test_a_long_answer_is_compressed(api: Api) -> None:
    answer = api.ask("coins/bitcoin/market_chart?vs_currency=usd&days=90", **{"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["prices"]) > 100


def test_an_answer_about_prices_has_no_headers_of_pages(api: Api) -> None:
    headers = api.ask("simple/price?ids=bitcoin&vs_currencies=usd").headers
    assert not [name for name in ("Content-Security-Policy", "X-Frame-Options") if name in headers]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("key", ["x_cg_demo_api_key", "x_cg_pro_api_key"])
def test_a_key_is_taken_and_ignored(api: Api, key: str) -> None:
    path = "simple/price?ids=bitcoin&vs_currencies=usd"
    assert api.get(f"{path}&{key}=CG-secret") == api.get(path)
    assert api.ask(path, **{key.replace("_", "-"): "CG-secret"}).status_code == 200


def test_too_many_questions_are_told_as_coingecko_tells_it(api: Api, settings: Settings) -> None:
    settings.RATES_API_RATE = 1
    answers = [api.ask("ping") for _ in range(3)]
    assert answers[-1].status_code == 429
    assert answers[-1].json()["status"]["error_code"] == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 30
    assert answers[-1].headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("name", ["x_cg_demo_api_key", "x_cg_pro_api_key"])
def test_where_a_token_is_needed_it_is_the_key(api: Api, settings: Settings, name: str) -> None:
    settings.RATES_API_AUTH = "jwt"
    answer = api.ask("ping")
    assert (answer.status_code, answer.json()["status"]["error_code"]) == (401, 10002)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert api.ask("ping", **{name.replace("_", "-"): issue_page_token()}).status_code == 200
    assert api.ask(f"ping?{name}={issue_page_token()}").headers["Cache-Control"].startswith("private")


def is_unavailable(api: Api, path: str) -> bool:
    answer = api.ask(path)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return answer.status_code == 503 and 1 <= int(answer.headers["Retry-After"]) <= 30 and "error" in answer.json()


@pytest.mark.parametrize("path", ["simple/price?ids=bitcoin&vs_currencies=usd", "coins/list", "exchange_rates"])
def test_without_any_price_programs_are_told_to_come_again(api: Api, path: str) -> None:
    get_hub().snapshot = None
    assert is_unavailable(api, path)
    get_hub().snapshot = Snapshot("epoch", 1, make_snapshot().as_of, fragments(BTC=None))
    assert is_unavailable(api, path)


def test_when_nobody_publishes_every_price_is_stale(api: Api, settings: Settings) -> None:
    settings.RATES_STALE_AFTER = -1.0
    answer = api.ask("simple/price?ids=bitcoin&vs_currencies=usd")
    assert answer.headers["X-Rates-Stale"] == "bitcoin"
