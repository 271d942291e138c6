"""What holds for everything below `/api/`, refusals included."""

import re
from typing import Any

import httpx
import pytest

from rates.api.problems import Problem
from rates.gateway.gate import Gate, api_path
from rates.gateway.replies import Reply, merge_headers
from tests.gateway.asking import ask, ask_app

SITE = "https://app.example.com"
NOTHING = re.compile("(?!)")


def read_problem(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a problem, whose parts are all there."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert all(body[name] for name in ("type", "title", "detail", "error"))
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, body["code"]


@pytest.mark.parametrize("path", ["/api/nothing", "/api/rates/BTC/nothing", "/api/rates/BTC/at/x", "/api/RATES"])
async def test_a_path_that_does_not_exist_is_a_problem(board: None, path: str) -> None:
    assert read_problem(await ask(path)) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/api/rates", "GET, HEAD"), ("/api/rates/BTC", "GET, HEAD"), ("/api/rates/BTC/at", "GET, HEAD"),
     ("/api/rates/BTC/candles", "GET, HEAD"), ("/api/rates/BTC/history", "GET, HEAD"),
     ("/api/socket-token", "GET, HEAD")],
)  # fmt: skip
async def test_a_wrong_method_is_told_which_are_right(board: None, path: str, allowed: str) -> None:
    for method in ("POST", "DELETE", "OPTIONS"):
        answer = await ask(path, method)
        assert read_problem(answer) == (405, "method_not_allowed")
        assert answer.headers["allow"] == allowed
    answer = await ask("/api/rates/at")
    assert (*read_problem(answer), answer.headers["allow"]) == (405, "method_not_allowed", "POST")


async def test_a_host_that_is_not_ours_is_a_problem(board: None) -> None:
    assert read_problem(await ask("/api/rates", host="evil.example.com")) == (400, "bad_request")


async def test_what_is_not_below_api_is_left_alone(board: None) -> None:
    page = await ask("/nothing")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (await ask("/healthz")).text == "ok\n"


async def test_a_slash_at_the_end_makes_no_difference(board: None) -> None:
    for path in ("/api/rates", "/api/rates/btc", "/api/rates/BTC/history"):
        plain, with_slash = await ask(path), await ask(f"{path}/")
        assert (plain.status_code, plain.content) == (200, with_slash.content)
        assert plain.headers["etag"] == with_slash.headers["etag"]


@pytest.mark.parametrize(
    ("path", "found"),
    [("/api", "/api/"), ("/api/", "/api/"), ("/api//", "/api/"), ("/api/rates//", "/api/rates"), ("/apis", None),
     ("/", None), ("", None)],
)  # fmt: skip
def test_paths_below_api_are_told_from_others(path: str, found: str | None) -> None:
    assert api_path({"path": path}) == found
    assert api_path({"path": f"/prices{path}", "root_path": "/prices"}) == found


async def test_pages_of_allowed_origins_may_read_answers_and_refusals(board: None, settings) -> None:
    settings.RATES_ALLOWED_ORIGINS = [SITE]
    for path in ("/api/rates", "/api/rates/BTC/history", "/api/nothing", "/api/rates/NONE"):
        allowed, other = await ask(path, origin=SITE), await ask(path, origin="https://evil.example.com")
        assert allowed.headers["access-control-allow-origin"] == SITE
        assert "X-Unknown-Symbols" in allowed.headers["access-control-expose-headers"]
        assert "access-control-allow-origin" not in other.headers
        # A cache must not give one of them the answer for the other.
        assert "Origin" in allowed.headers["vary"]
        assert "Origin" in other.headers["vary"]
        assert "access-control-allow-credentials" not in allowed.headers
    etag = (await ask("/api/rates", origin=SITE)).headers["etag"]
    again = await ask("/api/rates", origin=SITE, if_none_match=etag)
    assert (again.status_code, again.headers["access-control-allow-origin"]) == (304, SITE)


async def test_without_allowed_origins_no_other_site_may_read(board: None) -> None:
    for method in ("GET", "OPTIONS"):
        answer = await ask("/api/rates", method, origin=SITE, access_control_request_method="GET")
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_star_lets_any_page_read_and_never_with_credentials(board: None, settings) -> None:
    settings.RATES_ALLOWED_ORIGINS, settings.RATES_API_AUTH = ["*"], "jwt"
    for path in ("/api/rates", "/api/nothing"):
        answer = await ask(path, origin=SITE)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_browser_may_ask_before_it_sends(settings) -> None:
    settings.RATES_ALLOWED_ORIGINS, settings.RATES_API_AUTH = [SITE], "jwt"
    asked = {"origin": SITE, "access_control_request_method": "POST", "access_control_request_headers": "authorization"}
    answer = await ask("/api/rates/at", "OPTIONS", **asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == SITE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    other = await ask("/api/rates/at", "OPTIONS", **asked | {"origin": "https://evil.example.com"})
    assert (other.status_code, other.headers.get("access-control-allow-methods")) == (204, None)


async def fail(scope: dict[str, Any], receive: Any, send: Any) -> None:
    raise RuntimeError("broken")


async def start_and_fail(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("broken")


async def test_an_error_that_nobody_caught_is_a_problem_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    answer = await ask_app(Gate(fail, NOTHING, {}), "/api/x")
    assert read_problem(answer) == (500, "internal_error")
    assert "broken" not in answer.text
    assert "/api/x failed" in caplog.text
    assert read_problem(await ask_app(Gate(fail, re.compile(".*"), {}), "/api/x")) == (500, "internal_error")


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/api/x", "query_string": b"", "headers": []}
    with pytest.raises(RuntimeError):
        await Gate(start_and_fail, NOTHING, {})(scope, send, send)
    assert len(sent) == 1


async def test_errors_are_told_as_the_clients_of_a_path_expect_them(settings) -> None:
    def tell(problem: Problem, headers: Any) -> Reply:
        return Reply(problem.status, [], b"theirs")

    gate = Gate(fail, NOTHING, {"/api/v3/": tell})
    assert (await ask_app(gate, "/api/v3/ping")).content == b"theirs"
    assert read_problem(await ask_app(gate, "/api/v2/ping"))[0] == 500
    settings.RATES_API_AUTH = "jwt"
    answer = await ask_app(gate, "/api/v3/ping")
    assert (answer.status_code, answer.content) == (401, b"theirs")


@pytest.mark.parametrize(
    ("headers", "added", "merged"),
    [
        ([], [], []),
        ([(b"vary", b"Accept")], [(b"vary", b"Origin")], [(b"vary", b"Accept, Origin")]),
        ([(b"vary", b"Accept, Origin"), (b"a", b"1")], [(b"vary", b"Origin"), (b"a", b"2"), (b"b", b"3")],
         [(b"a", b"1"), (b"vary", b"Accept, Origin"), (b"b", b"3")]),
    ],
)  # fmt: skip
def test_headers_are_added_once(headers: Any, added: Any, merged: Any) -> None:
    assert merge_headers(headers, added) == merged
