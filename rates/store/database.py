"""
Short queries that nobody waits for longer than their deadline, whatever is at the other end.

A deadline in the database is itself a query, and a timeout of the connection begins after the server was reached:
PgBouncer takes both and answers neither while its pool is used up, or while PostgreSQL behind it is down. So PostgreSQL
is asked in a thread of its own, whose connection is cut when the time is up. SQLite is asked directly: it is a file,
and who reads it never waits.

Tested in `tests/faults/test_databases_away.py` and `tests/faults/test_postgres.py`.
"""

import os
import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction

T = TypeVar("T")

# Seconds until the caller goes on without an answer.
DEADLINE = 1.5
# Milliseconds until PostgreSQL itself gives a query up, so that none of those that were cut off stays in its queue.
# For these queries alone: staff and migrations may wait as long as they need.
SERVER_DEADLINE = 1000


class _Question:
    """A query, its answer, and the socket that it waits on."""

    def __init__(self, query: Callable[[], Any]) -> None:
        self.query = query
        self.answer: Future[Any] = Future()
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self._given_up = False

    def ask(self) -> None:
        """Find the answer; called in the thread."""
        try:
            self.answer.set_result(self._ask_twice())
        except Exception as error:
            self.answer.set_exception(error)

    def _ask_twice(self) -> Any:
        """Ask again by a new connection if the one from before is broken: the server may have been restarted since."""
        kept = connection.connection is not None
        try:
            return self._ask_once()
        except (InterfaceError, OperationalError):
            connection.close()
            if not kept or self._given_up:
                raise
            return self._ask_once()

    def _ask_once(self) -> Any:
        connection.ensure_connection()
        try:
            # A copy, because the number of a socket that was closed meanwhile may be that of another one.
            with self._lock:
                if self._given_up:
                    raise OperationalError("connected too late")
                self._socket = socket.socket(fileno=os.dup(connection.connection.fileno()))
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {SERVER_DEADLINE}")
                return self.query()
        finally:
            with self._lock:
                if self._socket:
                    self._socket.close()
                self._socket = None

    def give_up(self) -> None:
        """Cut the connection, so that the thread is free again."""
        self.answer.cancel()
        with self._lock, suppress(OSError):
            self._given_up = True
            if self._socket:
                self._socket.shutdown(socket.SHUT_RDWR)


class DatabaseThread:
    """A thread with a connection of its own, which stays open between two questions."""

    def __init__(self) -> None:
        self._questions: SimpleQueue[_Question] = SimpleQueue()
        self._lock = Lock()
        self._thread: Thread | None = None

    def check(self) -> None:
        """
        Ask for nothing.

        Raises:
            DatabaseError: as `ask`.
        """
        self.ask(lambda: None)

    def ask(self, query: Callable[[], T]) -> T:
        """
        Return what *query* returns.

        Raises:
            DatabaseError: when it fails; an `OperationalError` when there is no answer within `DEADLINE`.
        """
        # Within a transaction the caller sees what it has changed itself, which another connection does not.
        if connection.vendor != "postgresql" or connection.in_atomic_block:
            return query()
        self._start()
        question = _Question(query)
        self._questions.put(question)
        try:
            answer: T = question.answer.result(DEADLINE)
        except TimeoutError:
            question.give_up()
            raise OperationalError(f"no answer within {DEADLINE:g} s") from None
        return answer

    def _start(self) -> None:
        """Start the thread with the first question, so after a fork."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._answer_forever, name="database", daemon=True)
                self._thread.start()

    def _answer_forever(self) -> None:
        while True:
            question = self._questions.get()
            # One that was given up while it waited is not asked any more.
            if question.answer.set_running_or_notify_cancel():
                question.ask()


database_thread = DatabaseThread()
