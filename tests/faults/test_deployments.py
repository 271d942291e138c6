"""Two deployments on one Redis: the same database, and kept apart by RATES_NAMESPACE alone."""

import json
import time
from collections.abc import Callable

import redis

from tests.faults.processes import START, Redis, System, wait_until

# What Celery names by itself in the default namespace, so that an earlier release finds its queue.
CELERY = ("celery", "unacked", "_kombu.binding")


def test_two_deployments_share_one_redis(build: Callable[..., System], redis_server: Redis) -> None:
    listener = redis_server.client.pubsub()
    listener.psubscribe("*_update")
    first, second = build(), build(RATES_NAMESPACE="staging", QUOTE_CURRENCY="eur", SUPPORTED_COINS="bitcoin")
    for system in (first, second):
        system.start("web")
        system.start("worker")
    for system in (first, second):
        system.wait_fresh()
    boards = [json.loads(redis_server.client.get(key)) for key in ("rates:board", "staging:board")]
    assert [board["deployment"]["quote"] for board in boards] == ["usd", "eur"]
    keys = [key for key in redis_server.client.scan_iter() if not key.startswith(("rates:", *CELERY))]
    assert keys
    assert [key for key in keys if not key.startswith("staging:")] == []
    wait_until(lambda: {"rates_update", "staging_update"} <= channels(listener), START, "both publish")
    # A web that was given the other's currency, but not its namespace, shows nothing of it.
    mistaken = build(QUOTE_CURRENCY="eur")
    web = mistaken.start("web")
    mistaken.wait_answers()
    words = "of another deployment: its quote is usd, here it is eur"
    wait_until(lambda: words in mistaken.get("/readyz")[1], START, "/readyz says so")
    wait_until(lambda: web.lines(words), START, "the log says so")
    assert "63,2" not in mistaken.get("/")[1]
    assert len(web.lines(words)) == 1
    for system in (first, second):
        system.wait_fresh(5)
        for process in system.processes:
            assert not process.lines("WARNING.*deployment|Traceback")


def channels(listener: redis.client.PubSub) -> set[str]:
    """Return the channels on which something was published within a second."""
    until, found = time.monotonic() + 1, set()
    while time.monotonic() < until:
        if message := listener.get_message(ignore_subscribe_messages=True, timeout=0.1):
            found.add(message["channel"])
    return found
