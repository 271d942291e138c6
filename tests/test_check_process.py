"""`manage.py check_process`, the health check of containers without a port."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from rates import store
from rates.telemetry.reports import GONE_AFTER, report


def check(kind: str) -> str:
    output = StringIO()
    call_command("check_process", kind, stdout=output)
    return output.getvalue()


def test_a_process_that_reports_is_healthy() -> None:
    report("worker", {})
    assert check("worker") == ""


def test_another_kind_of_process_does_not_count() -> None:
    report("worker", {})
    with pytest.raises(CommandError, match="no beat process of this host reports"):
        check("beat")


def test_a_process_of_another_host_or_one_that_is_gone_does_not_count() -> None:
    report("worker", {})
    [(name, facts)] = store.load_processes().items()
    store.forget_processes([name])
    store.report_process("worker:elsewhere:1", facts)
    store.report_process(name, {**facts, "at": facts["at"] - GONE_AFTER - 1})
    with pytest.raises(CommandError):
        check("worker")


def test_while_redis_is_down_no_process_is_called_unhealthy(settings) -> None:
    address, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:9/0"
    store.client.cache_clear()
    try:
        assert check("worker").startswith("unknown: ")
    finally:
        settings.REDIS_URL = address
        store.client.cache_clear()
