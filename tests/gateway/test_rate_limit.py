"""How many requests an address may send."""

from contextlib import suppress

import pytest

from rates.api.problems import Problem
from rates.forwarded import Client
from rates.gateway import rate_limit
from rates.gateway.rate_limit import RateLimit
from tests.gateway.asking import ask


def wait(limit: RateLimit, now: float, address: str = "192.0.2.1") -> int:
    """Return how long an address is told to wait, 0 when its request is within the limit."""
    try:
        limit.count(Client(address, ""), now)
    except Problem as problem:
        told = problem
    else:
        return 0
    assert (told.status, told.code) == (429, "rate_limited")
    assert told.headers
    return int(told.headers["Retry-After"])


@pytest.fixture(autouse=True)
def allowance(settings) -> None:
    settings.RATES_API_RATE = 4


def test_the_whole_allowance_may_be_used_at_once_and_not_more() -> None:
    limit = RateLimit()
    assert [wait(limit, 1000.0) for _ in range(5)] == [0, 0, 0, 0, 75]
    assert wait(limit, 1000.0, "192.0.2.2") == 0


def test_whoever_waits_as_told_is_served() -> None:
    limit, now, served = RateLimit(), 1000.0, []
    while now < 1600:
        told = wait(limit, now)
        served += [] if told else [now]
        now += told
    within = [sum(then - 60 < other <= then for other in served) for then in served]
    # A minute's allowance at the start, then one whenever an earlier one is a minute ago.
    assert max(within) == 4
    assert len(served) > 30


def test_two_idle_minutes_forget_everything() -> None:
    limit = RateLimit()
    assert [wait(limit, 1000.0) for _ in range(4)] == [0] * 4
    assert [wait(limit, 1120.0) for _ in range(4)] == [0] * 4


def test_addresses_are_forgotten_that_asked_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MOST_ADDRESSES", 2)
    limit = RateLimit()
    for address in "abacad":
        limit.count(Client(address, ""), 1000.0)
    assert list(limit._windows) == ["a", "d"]


def test_zero_is_no_limit(settings) -> None:
    settings.RATES_API_RATE = 0
    limit = RateLimit()
    assert [wait(limit, 1000.0) for _ in range(100)] == [0] * 100


def test_a_limit_that_meets_a_proxy_names_the_setting(caplog) -> None:
    limit = RateLimit()
    for _ in range(6):
        with suppress(Problem):
            limit.count(Client("192.0.2.99", "; X"), 1000.0)
    assert [line for line in caplog.messages if "192.0.2.99" in line] == [
        "request refused: RATES_API_RATE, 4 a minute, is used up by 192.0.2.99; X"
    ]


async def test_an_address_that_asks_too_often_is_refused_below_api_only(board: None, settings) -> None:
    settings.RATES_ALLOWED_ORIGINS = ["*"]
    statuses = [(await ask("/api/rates", client="192.0.2.77")).status_code for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2
    refused = await ask("/api/rates", client="192.0.2.77")
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "RATES_API_RATE" in refused.json()["detail"]
    assert (await ask("/healthz", client="192.0.2.77")).status_code == 200
    assert (await ask("/api/rates", client="192.0.2.78")).status_code == 200


async def test_addresses_of_ipv6_are_counted_by_network(board: None) -> None:
    statuses = [(await ask("/api/rates", client=f"2001:db8:77::{i}")).status_code for i in range(6)]
    assert statuses == [200] * 4 + [429] * 2
    assert (await ask("/api/rates", client="2001:db8:77:1::1")).status_code == 200


async def test_what_a_trusted_proxy_says_counts(board: None, settings) -> None:
    settings.TRUSTED_PROXY = True
    spent = [await ask("/api/rates", client="10.0.0.1", x_forwarded_for="6.6.6.6, 198.51.100.7") for _ in range(5)]
    assert [answer.status_code for answer in spent] == [200] * 4 + [429]
    other = await ask("/api/rates", client="10.0.0.1", x_forwarded_for="198.51.100.8")
    assert other.status_code == 200
