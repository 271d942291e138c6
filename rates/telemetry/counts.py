"""
The metrics of each process, kept with Prometheus' own client: one registry per kind of process.

`reports` puts the samples into Redis, and `api.metrics` shows those of all processes with the labels `process`, `host`
and `pid`. So a counter only grows within its series, and the series ends with its process, as Prometheus expects.

Nothing here is touched per delivery: deliveries are added up once per publication.

Tested in `tests/api/test_metrics.py` and `tests/test_processes.py`.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric

from rates.telemetry.process_facts import ProcessFacts

WEB, WORKER, STREAMER, EVERY = (CollectorRegistry() for _ in range(4))
REGISTRIES = {
    "web": (WEB, EVERY),
    "worker": (WORKER, EVERY),
    "stream": (STREAMER, EVERY),
    "beat": (EVERY,),
}
EVERY.register(ProcessFacts())

# What is appended to the name of a metric in its samples, by its type.
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}

# Kinds of a source's failure.
FAILURES = ("unreachable", "limited", "refused", "garbled")

Sample = tuple[str, dict[str, str], float]

# Sockets

sockets = Gauge("rates_sockets", "Open sockets and event streams.", registry=WEB)
event_streams = Gauge("rates_event_streams", "Open event streams; rates_sockets counts them too.", registry=WEB)
sockets_limit = Gauge("rates_sockets_limit", "Sockets beyond this are refused (RATES_MAX_CONNECTIONS).", registry=WEB)
admitted = Counter("rates_sockets_admitted", "Sockets that were opened.", registry=WEB)
refused = Counter("rates_handshakes_refused", "Handshakes that were refused, by reason.", ["reason"], registry=WEB)
closed = Counter("rates_sockets_closed", "Sockets that we closed, by reason.", ["reason"], registry=WEB)
client_errors = Counter("rates_client_errors", "Messages of clients that break the protocol.", ["code"], registry=WEB)

# Publications, as the hub receives and forwards them

listening = Gauge("rates_hub_listening", "Whether the hub is subscribed to publications.", registry=WEB)
heard = Counter("rates_publications_heard", "Publications that followed the board and were sent on.", registry=WEB)
reloaded = Counter("rates_boards_reloaded", "Boards taken from the store: at the start or after a gap.", registry=WEB)
fan_out = Histogram(
    "rates_fan_out_seconds",
    "From the first socket that is handed a publication to the last.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
    registry=WEB,
)
delivered = Counter("rates_deliveries", "Publications that were handed to a socket.", registry=WEB)
skipped = Counter(
    "rates_deliveries_skipped",
    "Publications that a slow socket did not take; it gets the newest board when it is free.",
    registry=WEB,
)

# Ticks and sources

ticks = Counter(
    "rates_ticks",
    "Ticks by outcome; taken: another worker had the slot.",
    ["outcome"],
    registry=WORKER,
)
tick_time = Histogram(
    "rates_tick_seconds",
    "Duration of the ticks that ran.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=WORKER,
)
last_tick = Gauge("rates_last_tick_timestamp_seconds", "When the last tick was published; Unix time.", registry=WORKER)
answers = Counter(
    "rates_source_answers",
    "Questions to a source by outcome; one may be several calls.",
    ["source", "outcome"],
    registry=WORKER,
)
answer_time = Histogram(
    "rates_source_answer_seconds",
    "Until a source's answer, or until it failed.",
    ["source"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
    registry=WORKER,
)

# Streams

stream_active = Gauge("rates_stream_active", "Whether this process is the one that streams.", registry=STREAMER)
stream_delivers = Gauge("rates_stream_delivers", "Whether the stream delivers.", ["source"], registry=STREAMER)
stream_silent_pairs = Gauge(
    "rates_stream_silent_pairs",
    "Pairs without an event for half of RATES_STALE_AFTER: quiet markets, or lost ones.",
    ["source"],
    registry=STREAMER,
)
stream_lost_pairs = Gauge(
    "rates_stream_lost_pairs", "Silent pairs whose prices move, as polls say.", ["source"], registry=STREAMER
)
stream_renewals = Counter(
    "rates_stream_renewals", "Subscriptions to lost pairs that were renewed.", ["source"], registry=STREAMER
)
stream_events = Counter("rates_stream_events", "Events received.", ["source"], registry=STREAMER)
stream_connections = Counter(
    "rates_stream_connections", "Connections that began to deliver.", ["source"], registry=STREAMER
)
stream_breaks = Counter(
    "rates_stream_breaks", "Connections that failed, by kind of failure.", ["source", "kind"], registry=STREAMER
)


def start_at_zero(counter: Counter, *choices: Iterable[str]) -> None:
    """Start the series of each combination of labels at 0, or their first event would not be an increase."""
    for values in product(*choices):
        counter.labels(*values)


start_at_zero(refused, ("origin", "token", "full", "full_for_address", "draining", "database", "path"))
start_at_zero(closed, ("slow", "dead", "token_expired", "draining", "protocol"))
start_at_zero(client_errors, ("bad_json", "unknown_type", "bad_symbols", "not_text", "too_often", "too_long"))
start_at_zero(ticks, ("run", "taken", "failed"))


def observe_fan_out(members: int, behind: int, seconds: float) -> None:
    """Count a publication that was sent to *members* sockets, of which the ones *behind* skip it."""
    if members:
        fan_out.observe(seconds)
        delivered.inc(members - behind)
        skipped.inc(behind)


def collect(kind: str) -> Iterator[Metric]:
    """Yield every metric of this process, whose kind is *kind*."""
    for registry in REGISTRIES[kind]:
        yield from registry.collect()


def samples(kind: str, types: Collection[str] = tuple(SUFFIXES)) -> list[Sample]:
    """Return the samples of this process for metrics of *types*; creation times are left out."""
    return [
        (sample.name, sample.labels, sample.value)
        for metric in collect(kind)
        for sample in metric.samples
        if metric.type in types and not sample.name.endswith("_created")
    ]


def families() -> dict[str, Metric]:
    """Return every metric of every kind of process, without samples, by the names of its samples."""
    metrics = [metric for kind in REGISTRIES for metric in collect(kind)]
    empty = {metric.name: Metric(metric.name, metric.documentation, metric.type) for metric in metrics}
    return {name + suffix: metric for name, metric in empty.items() for suffix in SUFFIXES[metric.type]}
