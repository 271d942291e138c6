"""What libraries log during an outage: one line a minute; nothing else is suppressed."""

import logging

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from config.outage_filter import OutageFilter
from rates.exceptions import StoreUnavailable
from rates.outage_log import OutageLog


def record(name: str, error: BaseException | None = None, words: str = "Message Error: %s\nstack", **more: object):
    exc_info = (type(error), error, None) if error else None
    made = logging.LogRecord(name, logging.ERROR, __file__, 1, words, ("no tick",), exc_info)
    made.__dict__.update(more)
    return made


@pytest.mark.parametrize("name", ["celery.beat", "celery.worker.consumer.connection", "celery.worker.request", "kombu"])
def test_a_lost_connection_is_one_line_with_its_reason_and_is_not_repeated(name: str) -> None:
    throttle = OutageFilter()
    first = record(name, RedisConnectionError("refused"))
    assert throttle.filter(first)
    assert logging.Formatter().format(first) == "Message Error: no tick: refused"
    assert not throttle.filter(record(name, RedisConnectionError("refused")))
    assert throttle.filter(record("channels_redis.pubsub", RedisConnectionError("refused")))


def test_an_error_caused_by_a_lost_connection_counts_as_one() -> None:
    wrapped = RuntimeError("no tick")
    wrapped.__cause__ = OSError("refused")
    shortened = record("celery.beat", wrapped)
    assert OutageFilter().filter(shortened)
    assert shortened.exc_info is None


def test_other_errors_and_other_loggers_are_left_alone() -> None:
    throttle = OutageFilter()
    for _ in range(2):
        mistake, ours = record("celery.beat", ValueError("a mistake")), record("rates.feed", OSError("refused"))
        assert throttle.filter(mistake)
        assert throttle.filter(ours)
        assert mistake.exc_info
        assert ours.exc_info


def test_a_503_response_is_not_logged() -> None:
    assert not OutageFilter().filter(record("django.request", status_code=503))
    assert OutageFilter().filter(record("django.request", status_code=500))


def test_what_the_server_said_is_shown_where_celery_shows_the_class_alone() -> None:
    refused = NoPermissionError("User w has no permissions to run the 'psubscribe' command")
    line = logging.LogRecord("celery.worker.consumer", logging.WARNING, __file__, 1, "%s (%r)", ("lost", refused), None)
    assert OutageFilter().filter(line)
    assert line.getMessage().endswith(": User w has no permissions to run the 'psubscribe' command")


def test_another_refusal_is_told_at_once_without_what_was_written() -> None:
    throttle = OutageFilter()
    words = 'Command # 2 (HSET unacked 5f [{"body": "secret"}]) of pipeline caused error: no permission'
    first = record("celery.worker.consumer", NoPermissionError(words), words="lost (%s)")
    assert throttle.filter(first)
    assert first.getMessage() == "lost (no tick): HSET: no permission"
    assert not throttle.filter(
        record("kombu.transport.redis", NoPermissionError("no permission"), words="to retry: %s")
    )
    assert throttle.filter(record("celery.worker.consumer", NoPermissionError("another one")))
    assert throttle.filter(record("celery.worker.consumer", RedisConnectionError("refused")))
    assert not throttle.filter(record("celery.worker.consumer", RedisConnectionError("reset"), words="cannot: %s"))


def test_what_another_part_of_the_process_has_told_of_redis_is_not_told_again() -> None:
    words = "Error 111 connecting to redis:6379. Connection refused."
    OutageLog(logging.getLogger("rates.test")).failed("no reports: %s", StoreUnavailable(f"Redis: {words}"))
    assert not OutageFilter().filter(record("celery.beat", RedisConnectionError(words)))
