"""What ticks remember of the sources, and what they make of it."""

import json

import pytest

from rates import coin_status, feed, metrics, pacing, readiness, store
from rates.store.keys import SOURCES
from tests.world import ALL, World, shown

FIELDS = pacing.write_health(pacing.Health())
NO_NUMBERS = '{"failures": NaN, "asked_at": NaN, "answered_at": -Infinity, "paused_until": Infinity, "spacing": NaN}'


@pytest.mark.parametrize("fault", ["", "451", "429", "500"])
@pytest.mark.parametrize(
    "damaged",
    ["", "{", "null", "[]", "7", "{}", NO_NUMBERS]
    + [json.dumps(dict.fromkeys(FIELDS, value)) for value in (10**400, -(10**400), 1e300, "1", None, {}, True)],
)
def test_a_health_that_was_damaged_stops_nothing(world: World, damaged: str, fault: str) -> None:
    store.client().hset(SOURCES, mapping=dict.fromkeys((*ALL, "kraken stream"), damaged))
    if damaged.endswith("}"):
        for name in ALL:
            text = json.dumps(json.loads(damaged) | {"setup": feed.SOURCES[name].setup()})
            store.client().hset(SOURCES, name, text)
    world.misbehave(dict.fromkeys(ALL, fault))
    assert readiness.find_pauses(store.load_healths()) == {}
    assert coin_status.describe_sources(store.load_overview())
    assert metrics.render()
    tick = feed.take_tick()
    assert tick.answers.keys() == set(ALL)
    assert (shown("BTC")["price"] is None) == bool(fault)
