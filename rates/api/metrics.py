"""
`/metrics`: the state of all processes in Prometheus' format, from what they share in Redis.

Any web process can be scraped, and all give the same values: a counter read from memory in one process, and in another
from a report that is seconds older, would appear to go back.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rates import store
from rates.currencies import offered, pair_of
from rates.exceptions import StoreUnavailable
from rates.judgement.conversion import is_depegged
from rates.judgement.readings import is_fresh
from rates.sources.pacing import pause_left, read_health, stream_name
from rates.store import Header, Overview
from rates.telemetry import counts
from rates.telemetry.reports import AT_FIELD, SAMPLES_FIELD, VERSION_FIELD, Facts, process_name, running
from rates.types import USDT_PAIR, CoinState, read_time

COUNTERS = {
    "owner_changes": ("rates_owner_changes", "Coins that took their price from another source."),
    "disputes": ("rates_disputes", "Coins that came into dispute."),
    "held": ("rates_held_prices", "Prices that were held back until something confirms them."),
}
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GAUGES = ("gauge",)
PROCESS = ("process", "host", "pid")


class RatesCollector(Collector):
    """Reads Redis once per scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; while Redis is down only the gauges of this process."""
        yield from setting_metrics()
        try:
            header, overview = store.load_header(), store.load_overview()
        except StoreUnavailable:
            yield gauge("rates_redis_up", "Whether Redis answers.", 0)
            yield from process_metrics(
                {process_name("web"): {AT_FIELD: time.time(), SAMPLES_FIELD: counts.samples("web", GAUGES)}}
            )
            return
        yield gauge("rates_redis_up", "Whether Redis answers.", 1)
        yield gauge("rates_redis_round_trip_seconds", "Time of one round trip to Redis.", overview.latency_ms / 1000)
        if header is not None:
            yield from board_metrics(header, overview.states)
        yield from event_metrics(overview)
        yield from source_metrics(overview)
        yield from process_metrics(overview.processes)


def gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    """Return a gauge without labels."""
    return GaugeMetricFamily(name, documentation, value=value)


def setting_metrics() -> Iterator[Metric]:
    """Yield the settings that alerts compare metrics with."""
    for name, documentation, value in (
        ("rates_stale_after_seconds", "Without a confirmation until a price is stale.", settings.RATES_STALE_AFTER),
        ("rates_refresh_interval_seconds", "Between two ticks.", settings.RATES_REFRESH_INTERVAL),
        ("rates_streams_configured", "How many streams should be open.", len(settings.RATES_STREAM)),
    ):
        yield gauge(name, documentation, value)


def board_metrics(header: Header, states: Mapping[str, CoinState]) -> Iterator[Metric]:
    """Yield the age of the board and the state of the coins on it."""
    now = datetime.now(UTC)
    yield gauge("rates_board_age_seconds", "Since the last publication.", _age(now, read_time(header.as_of)))
    yield CounterMetricFamily("rates_publications", "Publications since Redis was emptied.", value=header.seq)
    yield from coin_metrics({symbol: states.get(symbol, CoinState()) for symbol in header.symbols}, now)
    yield from currency_metrics(header, states, now)
    tether = states.get(USDT_PAIR)
    if tether and tether.shown:
        yield gauge("rates_usdt_usd", "What one USDT is worth in USD.", float(tether.shown.price))
        yield gauge("rates_usdt_depegged", "Whether that is more than 0.5 percent from 1.", is_depegged(tether))
        yield gauge("rates_usdt_disputed", "Whether that is in dispute.", tether.disputed)


def coin_metrics(states: Mapping[str, CoinState], now: datetime) -> Iterator[Metric]:
    """Yield the age, the marks and the owner of each coin's price."""
    age, stale, disputed, held = (
        GaugeMetricFamily(name, documentation, labels=["symbol"])
        for name, documentation in (
            ("rates_price_age_seconds", "Since its source confirmed the price."),
            ("rates_price_stale", "Whether that is too long ago, or there is no price at all."),
            ("rates_price_disputed", "Whether the price is in dispute."),
            ("rates_price_held", "Whether another price is held back."),
        )
    )
    owner = GaugeMetricFamily("rates_price_owner", "The source whose price shows.", labels=["symbol", "source"])
    limit = timedelta(seconds=settings.RATES_STALE_AFTER)
    for symbol, state in states.items():
        shown = state.shown
        if shown:
            age.add_metric([symbol], _age(now, shown.received_at))
            owner.add_metric([symbol, shown.source], 1)
        stale.add_metric([symbol], not (shown and is_fresh(shown.received_at, now, limit)))
        disputed.add_metric([symbol], state.disputed)
        held.add_metric([symbol], state.held is not None)
    yield from (age, stale, disputed, held, owner)


def currency_metrics(header: Header, states: Mapping[str, CoinState], now: datetime) -> Iterator[Metric]:
    """Yield what each other currency is worth, its marks and its owner; one that nobody has measured is stale."""
    worth, age, stale, disputed, held = (
        GaugeMetricFamily(name, documentation, labels=["currency"])
        for name, documentation in (
            ("rates_currency_per_base", "What one unit of QUOTE_CURRENCY is worth in it."),
            ("rates_currency_age_seconds", "Since its source confirmed that."),
            ("rates_currency_stale", "Whether that is too long ago, or nobody has measured it."),
            ("rates_currency_disputed", "Whether what it is worth is in dispute."),
            ("rates_currency_held", "Whether another value is held back."),
        )
    )
    owner = GaugeMetricFamily("rates_currency_owner", "The source that measured it.", labels=["currency", "source"])
    for code in offered()[1:]:
        known, state = header.currencies.get(code), states.get(pair_of(code), CoinState())
        stale.add_metric([code], known is None or known.stale)
        disputed.add_metric([code], known is not None and known.disputed)
        if known:
            worth.add_metric([code], float(known.per_base))
            owner.add_metric([code, known.source], 1)
        if state.shown:
            age.add_metric([code], _age(now, state.shown.received_at))
        held.add_metric([code], state.held is not None)
    yield from (worth, age, stale, disputed, held, owner)


def event_metrics(overview: Overview) -> Iterator[Metric]:
    """Yield the counters that all publishers share; they survive a restart of the processes, not the loss of Redis."""
    for name, (metric, documentation) in COUNTERS.items():
        yield CounterMetricFamily(metric, documentation, value=overview.counters.get(name, 0))


def source_metrics(overview: Overview) -> Iterator[Metric]:
    """Yield the health of each source and stream that is in use."""
    now = time.time()
    up = GaugeMetricFamily("rates_source_up", "Whether its last answer was usable; streams too.", labels=["source"])
    pause = GaugeMetricFamily("rates_source_pause_seconds", "Seconds until it may be asked again.", labels=["source"])
    failures = GaugeMetricFamily("rates_source_failures", "Failures in a row.", labels=["source"])
    in_use = [*settings.RATES_SOURCES, *map(stream_name, settings.RATES_STREAM)]
    for name in (name for name in in_use if name in overview.healths):
        health = read_health(overview.healths, name)
        up.add_metric([name], health.answers)
        pause.add_metric([name], pause_left(health, now))
        failures.add_metric([name], health.failures)
    calls = GaugeMetricFamily("rates_source_month_calls", "Calls in this calendar month (UTC).", labels=["source"])
    month = f":{datetime.now(UTC):%Y-%m}"
    for name, count in overview.calls.items():
        if name.endswith(month):
            calls.add_metric([name.removesuffix(month)], count)
    yield from (up, pause, failures, calls)


def process_metrics(reports: Mapping[str, Facts]) -> Iterator[Metric]:
    """Yield what the running processes report, without samples that only another version of them knows."""
    now = time.time()
    age = GaugeMetricFamily("rates_report_age_seconds", "Since the process reported.", labels=PROCESS)
    build = GaugeMetricFamily(
        "rates_build_info", "The version that the process runs.", labels=[*PROCESS, VERSION_FIELD]
    )
    families = counts.families()
    for name, facts in running(reports, now).items():
        process = name.split(":", 2)
        age.add_metric(process, max(0.0, now - facts[AT_FIELD]))
        build.add_metric([*process, facts.get(VERSION_FIELD, "")], 1)
        for sample, labels, value in facts.get(SAMPLES_FIELD, ()):
            if sample in families:
                families[sample].add_sample(sample, {**labels, **dict(zip(PROCESS, process, strict=True))}, value)
    yield from (age, build)
    yield from {id(family): family for family in families.values()}.values()


def _age(now: datetime, moment: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())


def render() -> bytes:
    """Return the response to one scrape."""
    registry = CollectorRegistry()
    registry.register(RatesCollector())
    return generate_latest(registry)
