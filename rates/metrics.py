"""
`/metrics`: the state of all processes in Prometheus' format, from what they share in Redis.

Any web process can answer, because none of the numbers are kept in its memory alone.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rates import store
from rates.board import TETHER, is_depegged
from rates.exceptions import StoreUnavailable
from rates.pacing import pause_left, read_health
from rates.reports import running
from rates.store import Overview
from rates.types import read_time


class RatesCollector(Collector):
    """Reads Redis once per scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; only `rates_redis_up` while Redis is away."""
        try:
            header = store.load_header()
            overview = store.load_overview(header.symbols if header else ())
        except StoreUnavailable:
            yield gauge("rates_redis_up", "Whether Redis answers.", 0)
            return
        yield gauge("rates_redis_up", "Whether Redis answers.", 1)
        yield gauge("rates_redis_seconds", "Time of one round trip to Redis.", overview.latency_ms / 1000)
        yield from board_metrics(overview)
        yield from source_metrics(overview)
        yield from process_metrics(overview)
        yield counter("rates_events_total", "What happened, by name.", "event", overview.counters)


def gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    """Return a gauge without labels."""
    return GaugeMetricFamily(name, words, value=value)


def counter(name: str, words: str, label: str, values: Mapping[str, int]) -> CounterMetricFamily:
    """Return a counter with one label."""
    family = CounterMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def board_metrics(overview: Overview) -> Iterator[Metric]:
    """Yield the ages and marks of the coins on the board."""
    snapshot = overview.snapshot
    if snapshot is None:
        return
    now = datetime.now(UTC)
    yield gauge("rates_board_age_seconds", "Since the last publication.", _age(now, read_time(snapshot.as_of)))
    yield CounterMetricFamily("rates_publications_total", "Publications of this epoch.", value=snapshot.seq)
    age = GaugeMetricFamily("rates_price_age_seconds", "Since its source confirmed the price.", labels=["symbol"])
    disputed = GaugeMetricFamily("rates_price_disputed", "Whether the price is in dispute.", labels=["symbol"])
    held = GaugeMetricFamily("rates_price_held", "Whether a price is held back.", labels=["symbol"])
    for symbol in snapshot.fragments:
        state = overview.states.get(symbol)
        if state is not None:
            if state.shown:
                age.add_metric([symbol], _age(now, state.shown.received_at))
            disputed.add_metric([symbol], state.disputed)
            held.add_metric([symbol], state.held is not None)
    yield from (age, disputed, held)
    tether = overview.states.get(TETHER)
    if tether and tether.shown:
        yield gauge("rates_usdt_usd", "What one USDT is worth.", float(tether.shown.price))
        yield gauge("rates_usdt_depegged", "Whether that is an alarm.", is_depegged(tether))


def source_metrics(overview: Overview) -> Iterator[Metric]:
    """Yield how each source has answered."""
    now = time.time()
    up = GaugeMetricFamily("rates_source_up", "Whether the last answer was usable.", labels=["source"])
    pause = GaugeMetricFamily("rates_source_pause_seconds", "Until it may be asked again.", labels=["source"])
    failures = GaugeMetricFamily("rates_source_failures", "Failures in a row.", labels=["source"])
    for name in overview.healths:
        health = read_health(overview.healths, name)
        up.add_metric([name], health.answers)
        pause.add_metric([name], pause_left(health, now))
        failures.add_metric([name], health.failures)
    calls = CounterMetricFamily("rates_source_calls_total", "Calls this month.", labels=["source"])
    month = f":{datetime.now(UTC):%Y-%m}"
    for name, count in overview.calls.items():
        if name.endswith(month):
            calls.add_metric([name.removesuffix(month)], count)
    yield from (up, pause, failures, calls)


def process_metrics(overview: Overview) -> Iterator[Metric]:
    """Yield what each running process reports of itself, one gauge per fact."""
    families: dict[str, GaugeMetricFamily] = {}
    for name, facts in running(overview.processes, time.time()).items():
        kind, host, pid = name.split(":", 2)
        for fact, value in facts.items():
            if isinstance(value, int | float) and fact != "at":
                words = f"{fact.replace('_', ' ')} of each {kind} process"
                metric = f"rates_{kind}_{fact}"
                family = families.setdefault(metric, GaugeMetricFamily(metric, words, labels=["host", "pid"]))
                family.add_metric([host, pid], value)
    yield from families.values()


def _age(now: datetime, moment: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())


def render() -> bytes:
    """Return the text of one scrape."""
    registry = CollectorRegistry()
    registry.register(RatesCollector())
    return generate_latest(registry)
