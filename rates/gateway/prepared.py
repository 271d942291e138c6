"""
Answers about the board, kept as bytes until the next publication.

Django makes each of them once for a publication and a question; then a request costs no middleware and no thread. What
is kept depends on the board and on what is in `KEYS` alone: a view whose answer depends on anything else must not be in
the pattern of paths. Only whole answers with an ETag are kept, and no more than `MOST_ANSWERS`.
"""

import asyncio
import re
from collections.abc import Awaitable
from typing import NamedTuple, NoReturn

from rates.fanout.hub import get_hub
from rates.forwarded import is_secure
from rates.gateway.replies import App, HeaderMap, Headers, Message, Reply, Scope, as_asked

MOST_ANSWERS = 128
# Bytes of a question (the ids of 300 coins) and of an answer that are worth keeping: 128 of them are 33 MB.
LONGEST_QUERY, LONGEST_ANSWER = 8192, 256 * 1024
# What an answer may depend on beside path and query.
KEYS = (b"host", b"accept", b"accept-encoding")
GZIP = b"gzip"
# What Django says about pages: data has no frames, no scripts and no language.
FOR_PAGES = (b"content-language", b"content-security-policy", b"cross-origin-opener-policy", b"x-frame-options")


class Question(NamedTuple):
    """What an answer depends on beside the board."""

    path: str
    query: bytes
    scheme: str
    headers: tuple[bytes, ...]


class PreparedAnswers:
    """The answers of *inner* to GET and HEAD for the paths of *pattern*."""

    def __init__(self, inner: App, pattern: re.Pattern[str]) -> None:
        self._inner, self._pattern = inner, pattern
        self._board: tuple[object, bool] | None = None
        self._kept: dict[Question, tuple[Reply, bytes]] = {}
        self._making: dict[Question, asyncio.Task[Reply]] = {}

    async def answer(self, scope: Scope, path: str, headers: HeaderMap) -> Reply | None:
        """Return the answer to a request; None when it is for a path, or with a method, that is not prepared."""
        if scope["method"] not in ("GET", "HEAD") or not self._pattern.fullmatch(path):
            return None
        self._forget_old()
        question = read_question(scope, path, headers)
        kept = self._kept.get(question)
        if kept is None:
            reply = await self._make_once(question, scope)
            etag = dict(reply.headers).get(b"etag", b"")
            if not etag:
                return reply if scope["method"] != "HEAD" else reply._replace(body=b"")
            kept = reply, etag
        return as_asked(*kept, scope, headers)

    def _forget_old(self) -> None:
        hub = get_hub()
        hub.check_lateness()
        board = (hub.snapshot, hub.late)
        if self._board is None or board[0] is not self._board[0] or board[1] is not self._board[1]:
            self._board = board
            self._kept.clear()
            self._making.clear()

    async def _make_once(self, question: Question, scope: Scope) -> Reply:
        """Return the answer to *question*, which is made once however many clients wait for it."""
        making = self._making.get(question)
        if making is None:
            making = self._making[question] = asyncio.create_task(self._make(question, scope))
        # The client who asked first may leave: the others are answered all the same.
        return await asyncio.shield(making)

    async def _make(self, question: Question, scope: Scope) -> Reply:
        board = self._board
        try:
            reply = await call(self._inner, scope, question)
        finally:
            if board is self._board:
                self._making.pop(question, None)
        if board is self._board and board and board[0] is not None and self._is_worth_keeping(question, reply):
            if len(self._kept) >= MOST_ANSWERS:
                self._kept.clear()
            self._kept[question] = reply, dict(reply.headers)[b"etag"]
        return reply

    def _is_worth_keeping(self, question: Question, reply: Reply) -> bool:
        names = dict(reply.headers)
        short = len(question.query) <= LONGEST_QUERY and len(reply.body) <= LONGEST_ANSWER
        return reply.status == 200 and short and bool(names.get(b"etag")) and b"set-cookie" not in names


def read_question(scope: Scope, path: str, headers: HeaderMap) -> Question:
    """Return what a request asks; of the ways to compress, gzip is the one that is offered."""
    host, accept, encoding = (headers.get(name, b"") for name in KEYS)
    kept = (host, accept, GZIP if GZIP in encoding else b"")
    return Question(path, scope["query_string"], "https" if is_secure(scope) else "http", kept)


async def call(app: App, scope: Scope, question: Question) -> Reply:
    """Return the answer of *app* to a plain GET for *question*."""
    sent: list[Message] = []
    requests: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return requests.pop() if requests else await never()

    async def send(message: Message) -> None:
        sent.append(message)

    headers: Headers = [(name, value) for name, value in zip(KEYS, question.headers, strict=True) if value]
    await app({**scope, "method": "GET", "headers": headers, "scheme": question.scheme}, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    named = [(name.lower(), value) for name, value in sent[0]["headers"] if name.lower() not in FOR_PAGES]
    return Reply(sent[0]["status"], [without_language(header) for header in named], body)


def without_language(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return *header*, whose `Vary` need not name the language of the reader."""
    name, value = header
    return (name, value.replace(b", Accept-Language", b"")) if name == b"vary" else header


def never() -> Awaitable[NoReturn]:
    """Return what never comes: a client who waits for its answer."""
    return asyncio.get_running_loop().create_future()
