"""Answers that are made once per publication."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rates.fanout.hub import get_hub
from rates.gateway import prepared
from rates.gateway.gate import Gate
from rates.types import time_text
from tests.gateway.asking import ask, ask_app


class Counting:
    """An application that answers with what it was asked, and counts."""

    def __init__(self, status: int = 200, etag: bytes = b'"e"') -> None:
        self.status, self.etag, self.asked = status, etag, 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.asked += 1
        await receive()
        await asyncio.sleep(0)
        body = scope["path"].encode() + b"?" + scope["query_string"]
        headers = [(b"Content-Length", b"%d" % len(body)), (b"Content-Type", b"text/plain"), (b"ETag", self.etag)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": body[3:]})


def gate(app: Counting) -> Gate:
    return Gate(app, re.compile("/api/p/.*"), {})


async def test_an_answer_is_made_once_for_a_publication_and_a_question(board: None) -> None:
    app = Counting()
    asked = gate(app)
    answers = await asyncio.gather(*(ask_app(asked, "/api/p/1?a=1") for _ in range(5)))
    assert [answer.text for answer in answers] == ["/api/p/1?a=1"] * 5
    assert app.asked == 1
    for path, headers in (("/api/p/1?a=2", {}), ("/api/p/2?a=1", {}), ("/api/p/1?a=1", {"accept": "text/csv"})):
        assert (await ask_app(asked, path, **headers)).text == path
    assert app.asked == 4
    snapshot = get_hub().snapshot
    assert snapshot
    get_hub()._set_snapshot(replace(snapshot, seq=snapshot.seq + 1))
    await ask_app(asked, "/api/p/1?a=1")
    assert app.asked == 5
    get_hub()._set_snapshot(replace(snapshot, as_of=time_text(datetime.now(UTC) - timedelta(seconds=60))))
    await ask_app(asked, "/api/p/1?a=1")
    assert app.asked == 6


async def test_a_kept_answer_is_304_or_without_a_body_where_that_is_asked(board: None) -> None:
    asked = gate(Counting())
    for etag in ('"e"', 'W/"e"', '"x", "e"', "*"):
        answer = await ask_app(asked, "/api/p/1", if_none_match=etag)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"e"')
        assert "content-type" not in answer.headers
    assert (await ask_app(asked, "/api/p/1", if_none_match='"x"')).status_code == 200
    head = await ask_app(asked, "/api/p/1", "HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "9")
    assert (await ask_app(asked, "/api/p/1", "HEAD", if_none_match='"e"')).status_code == 304


@pytest.mark.parametrize("app", [Counting(203), Counting(etag=b"")])
async def test_what_is_not_a_whole_answer_with_an_etag_is_not_kept(board: None, app: Counting) -> None:
    asked = gate(app)
    assert [(await ask_app(asked, "/api/p/1")).text for _ in range(2)] == ["/api/p/1?"] * 2
    assert app.asked == 2


async def test_no_more_is_kept_than_fits(board: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_ANSWERS", 2)
    app = Counting()
    asked = gate(app)
    for i in (1, 2, 3, 3):
        await ask_app(asked, f"/api/p/{i}")
    assert app.asked == 3
    assert len(asked._prepared._kept) == 1
    await ask_app(asked, "/api/p/4?" + 9000 * "x")
    assert len(asked._prepared._kept) == 1


async def test_other_methods_and_paths_are_passed_on(board: None) -> None:
    app = Counting()
    asked = gate(app)
    for _ in range(2):
        await ask_app(asked, "/api/p/1", "POST")
        await ask_app(asked, "/api/q")
    assert app.asked == 4


async def test_a_long_answer_is_compressed_once_and_kept_beside_the_plain_one(board: None) -> None:
    plain, packed = [await ask("/api/rates", accept_encoding=encoding) for encoding in ("identity", "gzip, br")]
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content
    for answer in (plain, packed):
        assert answer.headers["vary"] == "Accept, Accept-Encoding"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" not in answer.headers
    etag = packed.headers["etag"]
    again = await ask("/api/rates", accept_encoding="gzip", if_none_match=etag)
    assert (again.status_code, again.headers["etag"], again.content) == (304, etag, b"")
    assert "content-encoding" not in again.headers
    assert (await ask("/api/rates", accept_encoding="identity", if_none_match=etag)).status_code == 304
