"""`/metrics` and the reports behind it; `tests/test_processes.py` tests both with real processes."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import pytest
from django.test import AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import InvalidStatus

from rates import feed, store
from rates.api import metrics
from rates.fanout.hub import get_hub
from rates.fanout.links import AsgiLink
from rates.fanout.server import PONG_TIMEOUT_IF_ACKNOWLEDGED
from rates.fanout.slow_clients import STUCK_AFTER
from rates.fanout.sockets import Frame
from rates.models import Coin
from rates.tasks import refresh_rates
from rates.telemetry import counts, reports
from tests.boards import publish, save
from tests.servers import closed_code, next_frame, open_socket, serving, until
from tests.stand_ins.coingecko import CoinGecko


def samples(text: str | None = None) -> dict[str, float]:
    """Return the samples of a scrape as Prometheus reads them, by name and labels without host and pid."""
    return {
        sample.name + "".join(f",{k}={v}" for k, v in sorted(sample.labels.items()) if k not in ("host", "pid")): (
            sample.value
        )
        for family in text_string_to_metric_families(text or metrics.render().decode())
        for sample in family.samples
    }


def own(kind: str) -> dict[str, float]:
    """Return what this process has measured so far, by name and labels."""
    return {
        name + "".join(f",{k}={v}" for k, v in sorted(labels.items())): value
        for name, labels, value in counts.samples(kind)
    }


class Measured:
    """The change of this process's own metrics since this was created."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.before = own(kind)

    def __getitem__(self, name: str) -> float:
        return own(self.kind).get(name, 0) - self.before.get(name, 0)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    await asyncio.to_thread(save, BTC="1.50", ETH=None)
    async with serving("rates.fanout.server:RatesWebSocketProtocol") as place:
        yield place


# The response


def test_metrics_are_served_before_the_first_board() -> None:
    found = samples()
    assert found["rates_redis_up"] == 1
    assert found["rates_stale_after_seconds"] == 15
    assert "rates_board_age_seconds" not in found


def test_without_redis_a_process_shows_its_gauges_and_no_counter(settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    store.client.cache_clear()
    try:
        counts.sockets.set(7)
        found = samples()
    finally:
        store.client.cache_clear()
        counts.sockets.set(0)
    assert (found["rates_redis_up"], found["rates_sockets,process=web"]) == (0, 7)
    assert not [name for name in found if name.partition(",")[0].endswith(("_total", "_bucket"))]


def test_reports_of_other_hosts_are_shown_and_old_ones_are_not() -> None:
    now = time.time()
    report = {"sockets": 3, "samples": [["rates_sockets", {}, 3.0], ["rates_sockets_of_tomorrow", {}, 1.0]]}
    store.report_process("web:a:1", report | {"at": now, "version": "9"})
    store.report_process("web:b:1", report | {"at": now - 60})
    text = metrics.render().decode()
    assert 'rates_sockets{host="a",pid="1",process="web"} 3.0' in text
    assert 'rates_build_info{host="a",pid="1",process="web",version="9"} 1.0' in text
    assert 'host="b"' not in text
    assert "tomorrow" not in text


def test_a_report_of_the_first_version_is_shown_without_samples() -> None:
    store.report_process("worker:old:5", {"tick_seconds": 0.1, "seq": 7, "at": time.time()})
    assert 'rates_report_age_seconds{host="old",pid="5",process="worker"}' in metrics.render().decode()


def test_reports_of_processes_gone_for_long_are_dropped_from_redis() -> None:
    now = time.time()
    for name, age in (("web:a:1", 0.0), ("web:a:2", 60.0), ("web:a:3", 3600.0)):
        store.report_process(name, {"at": now - age})
    reports.drop_old_reports(now)
    assert store.load_processes().keys() == {"web:a:1", "web:a:2"}


def test_a_wrong_clock_is_logged_once_and_so_is_its_correction(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = reports.Clock()
    for before, theirs, after in (
        (1000.0, 1000.1, 1000.2),
        (1004.0, 1000.0, 1004.0),
        (1000.0, 1060.0, 1120.0),  # a process or a Redis that was suspended for two minutes
    ):
        clock.compare(before, theirs, after)
    assert not caplog.messages
    for ahead in (30.0, 3600.0, 0.0, -120.0, 0.0):
        clock.compare(1000.0 + ahead, 1000.0, 1000.0 + ahead)
    assert caplog.messages == [
        "the clock of this host is 30 s ahead of that of Redis; set them by NTP",
        "the clock of this host agrees with that of Redis again",
        "the clock of this host is 120 s behind that of Redis; set them by NTP",
        "the clock of this host agrees with that of Redis again",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_tick_shows_in_prices_sources_and_ticks(coingecko: CoinGecko, settings) -> None:
    settings.RATES_SOURCES, settings.RATES_STREAM = ["coingecko"], []
    settings.RATES_REFRESH_INTERVAL = 3600.0  # both ticks fall into one slot
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    measured = Measured("worker")
    refresh_rates()
    refresh_rates()
    coingecko.fault = "500"
    feed.run_tick()
    assert (measured["rates_ticks_total,outcome=run"], measured["rates_ticks_total,outcome=taken"]) == (1, 1)
    assert measured["rates_tick_seconds_count"] == 1
    assert measured["rates_source_answers_total,outcome=answered,source=coingecko"] == 1
    assert measured["rates_source_answers_total,outcome=unreachable,source=coingecko"] == 1
    assert measured["rates_source_answer_seconds_count,source=coingecko"] == 2
    assert time.time() - own("worker")["rates_last_tick_timestamp_seconds"] < 60
    found = samples()
    assert found["rates_price_owner,source=coingecko,symbol=BTC"] == 1
    assert (found["rates_price_stale,symbol=BTC"], found["rates_source_failures,source=coingecko"]) == (0, 1)
    assert 0 <= found["rates_price_age_seconds,symbol=BTC"] < 60
    assert found["rates_currency_owner,currency=eur,source=coingecko"] == 1
    assert abs(found["rates_currency_per_base,currency=eur"] - 0.9213) < 0.0001
    assert (found["rates_currency_stale,currency=eur"], found["rates_currency_disputed,currency=eur"]) == (0, 0)
    assert 0 <= found["rates_currency_age_seconds,currency=eur"] < 60


@pytest.mark.django_db
def test_a_currency_that_nobody_measures_is_stale(coingecko: CoinGecko, settings) -> None:
    settings.RATES_SOURCES, settings.RATES_STREAM, settings.RATES_CURRENCIES = ["coingecko"], [], ["mmk"]
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    feed.run_tick()
    found = samples()
    assert found["rates_currency_stale,currency=mmk"] == 1
    assert "rates_currency_per_base,currency=mmk" not in found


@pytest.mark.django_db(transaction=True)
def test_a_dispute_and_a_held_price_are_counted(coingecko: CoinGecko, settings) -> None:
    settings.RATES_SOURCES, settings.RATES_STREAM = ["coingecko"], []
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    feed.run_tick()
    coingecko.prices["BTC"] *= 10
    feed.run_tick()
    found = samples()
    assert (found["rates_disputes_total"], found["rates_held_prices_total"]) == (1, 1)
    assert (found["rates_price_disputed,symbol=BTC"], found["rates_price_held,symbol=BTC"]) == (1, 1)


def test_a_source_no_longer_in_use_raises_no_alarm(settings) -> None:
    settings.RATES_SOURCES, settings.RATES_STREAM = ["coingecko"], ["kraken"]
    store.update_healths(
        lambda _: {name: {"failed_at": 1.0, "failures": 9} for name in ("coingecko", "binance", "kraken stream")}
    )
    shown = {name for name in samples() if name.startswith("rates_source_up")}
    assert shown == {"rates_source_up,source=coingecko", "rates_source_up,source=kraken stream"}


def test_a_tick_without_redis_has_failed(settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    store.client.cache_clear()
    measured = Measured("worker")
    try:
        refresh_rates()
    finally:
        store.client.cache_clear()
    assert measured["rates_ticks_total,outcome=failed"] == 1


# Sockets


async def test_sockets_and_publications_are_counted(address: str) -> None:
    measured = Measured("web")
    async with open_socket(address) as one, open_socket(address, typed=False) as other:
        await next_frame(one, "board")
        await other.recv()
        await asyncio.to_thread(publish, BTC="2", ETH=None)
        await next_frame(one, "update")
        assert get_hub()._report() == {"sockets": 2}
        assert (own("web")["rates_sockets"], own("web")["rates_hub_listening"]) == (2, 1)
    assert measured["rates_sockets_admitted_total"] == 2
    assert measured["rates_publications_heard_total"] == 1


async def test_bad_messages_and_refusals_are_counted_by_reason(address: str, settings) -> None:
    measured = Measured("web")
    async with open_socket(address) as client:
        await client.send("{")
        await next_frame(client, "error")
        await client.send(b"x")
        assert await closed_code(client) == 1003
    for origin, limit in (("https://evil.example", 200), (None, 0)):
        settings.RATES_MAX_CONNECTIONS_PER_IP = limit
        with pytest.raises(InvalidStatus):
            async with open_socket(address, origin=origin):
                pass
    settings.RATES_MAX_CONNECTIONS_PER_IP, settings.RATES_WS_AUTH = 200, "jwt"
    async with open_socket(address) as client:
        await closed_code(client)
    assert measured["rates_client_errors_total,code=bad_json"] == 1
    assert measured["rates_client_errors_total,code=not_text"] == 1
    assert measured["rates_sockets_closed_total,reason=protocol"] == 1
    for reason in ("origin", "full_for_address", "token"):
        assert measured[f"rates_handshakes_refused_total,reason={reason}"] == 1


async def test_a_fan_out_and_what_slow_sockets_skip_are_counted(address: str) -> None:
    measured = Measured("web")
    async with open_socket(address) as quick, open_socket(address) as slow:
        await next_frame(quick, "board")
        await next_frame(slow, "board")
        get_hub().all_sockets()[0].link.pause_writing()
        await asyncio.to_thread(publish, BTC="2", ETH=None)
        await until(lambda: measured["rates_fan_out_seconds_count"])
    assert (measured["rates_deliveries_total"], measured["rates_deliveries_skipped_total"]) == (1, 1)
    assert 0 < measured["rates_fan_out_seconds_sum"] < 10


async def test_slow_and_dead_clients_are_counted_once(address: str) -> None:
    measured = Measured("web")
    async with open_socket(address), open_socket(address):
        await until(lambda: get_hub().count() == 2)
        slow, dead = (socket.link for socket in get_hub().all_sockets())
        slow.transport.write(2**23 * b"x")  # More than the kernel takes at once.
        slow.check_client()
        slow._timer._since -= STUCK_AFTER
        dead._pinged_at = asyncio.get_running_loop().time() - PONG_TIMEOUT_IF_ACKNOWLEDGED
        for _ in range(2):
            slow.check_client()
        dead.check_client()
        await until(lambda: not get_hub().count())
    assert (measured["rates_sockets_closed_total,reason=slow"], measured["rates_sockets_closed_total,reason=dead"]) == (
        1,
        1,
    )


async def test_a_slow_client_of_a_plain_server_is_counted_once() -> None:
    async def never(_message: object) -> None:
        await asyncio.Event().wait()

    measured = Measured("web")
    link = AsgiLink(never)
    assert link.write(Frame("{}"))
    link.check_client()
    link._timer._since -= STUCK_AFTER
    for _ in range(2):
        link.check_client()
    assert measured["rates_sockets_closed_total,reason=slow"] == 1
    link._task.cancel()


# Who may read it


async def test_with_a_token_only_its_bearer_may_read_metrics(settings) -> None:
    settings.METRICS_TOKEN = 20 * "m"
    for header in (
        {},
        {"Authorization": 20 * "m"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer ü"},
    ):
        answer = await AsyncClient().get("/metrics", headers=header)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert b"rates_" not in answer.content
    answer = await AsyncClient().get("/metrics", headers={"Authorization": f"Bearer {20 * 'm'}"})
    assert (answer.status_code, b"rates_redis_up 1.0" in answer.content) == (200, True)


async def test_without_a_token_anybody_may_read_metrics() -> None:
    answer = await AsyncClient().get("/metrics")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
