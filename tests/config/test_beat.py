"""Celery's beat as we run it, with a Redis that goes down while a message is sent."""

import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from kombu import Producer

from config.celery.__main__ import BeatThread
from config.celery.application import app
from config.celery.beat import MonotonicScheduler
from config.outage_filter import OutageFilter
from rates.tasks import refresh_rates


class GivingUp(Producer):
    """A producer whose channel is closed while it sends, as by kombu when Redis first refuses and then goes down."""

    def publish(self, *args: object, **options: object) -> None:
        self.channel.close()
        self.channel._create_client()


def test_a_channel_that_closes_while_beat_sends_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    scheduler = MonotonicScheduler(app, lazy=True)
    scheduler.setup_schedule()
    entry = scheduler.schedule["refresh_rates"]
    with app.connection_for_write() as connection, caplog.at_level(logging.ERROR):
        scheduler.apply_entry(entry, producer=GivingUp(connection.channel()))
    [record] = [record for record in caplog.records if record.name == "celery.beat"]
    assert OutageFilter().filter(record)
    assert record.exc_info is None
    assert "the channel to Redis was closed meanwhile" in record.getMessage()


def test_beat_in_the_process_of_the_worker_plans_by_the_monotonic_clock_too() -> None:
    worker = SimpleNamespace(app=app)
    service = BeatThread(worker).create(worker).service
    assert isinstance(service.get_scheduler(lazy=True), MonotonicScheduler)


def test_a_tick_is_worth_running_when_the_clocks_of_beat_and_worker_differ_by_seconds() -> None:
    scheduler = MonotonicScheduler(app, lazy=True)
    scheduler.setup_schedule()
    entry = scheduler.schedule["refresh_rates"]
    assert entry.task == refresh_rates.name
    before = datetime.now(UTC)
    with app.connection_for_write() as connection:
        scheduler.apply_entry(entry, producer=Producer(connection.channel()))
        message = connection.SimpleQueue("celery").get(timeout=5)
    assert datetime.fromisoformat(message.headers["expires"]) - before >= timedelta(minutes=1)
