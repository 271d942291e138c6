"""Hosts of which some addresses are dead: they accept nothing and refuse nothing."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rates.outbound import happy_eyeballs
from rates.outbound.happy_eyeballs import Address, connect_first


def address_of(sock: socket.socket) -> Address:
    return (socket.AF_INET, socket.SOCK_STREAM, 0, "", sock.getsockname())


@pytest.fixture(scope="module")
def dead() -> Iterator[list[Address]]:
    """Two addresses of listeners whose queue is full: Linux drops what else arrives."""
    with ExitStack() as stack:
        found = []
        for _ in range(2):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            found.append(address_of(listener))
        yield found


@pytest.fixture
def good() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield address_of(listener)


@pytest.fixture
def refusing() -> Address:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return address_of(listener)


@pytest.fixture(autouse=True)
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """Every address that is tried, in order; nothing is remembered from before."""
    monkeypatch.setattr(happy_eyeballs, "_answered", {})
    places: list[Address] = []
    start = happy_eyeballs.Race._start

    def note(race: happy_eyeballs.Race, address: Address) -> None:
        places.append(address)
        start(race, address)

    monkeypatch.setattr(happy_eyeballs.Race, "_start", note)
    return places


def connect(*addresses: Address, seconds: float = 20) -> object:
    """Connect to a host with *addresses*; return which of them it was."""
    with connect_first("host", addresses, time.monotonic() + seconds) as sock:
        return sock.getpeername()


def test_dead_addresses_delay_the_first_connection_only(dead: list[Address], good: Address, tried: list) -> None:
    assert connect(*dead, good) == good[4]
    assert tried == [*dead, good]
    tried.clear()
    assert connect(*dead, good) == good[4]
    assert tried == [good]


def test_an_address_that_refuses_is_no_reason_to_wait(refusing: Address, good: Address, dead: list[Address]) -> None:
    assert connect(refusing, good) == good[4]
    assert connect(refusing, dead[0], good) == good[4]


def test_the_address_that_answered_last_may_die(good: Address, refusing: Address, tried: list) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        first = address_of(listener)
        assert connect(first, good) == first[4]
    assert connect(first, good) == good[4]
    tried.clear()
    assert connect(first, good) == good[4]
    assert tried == [good]


def test_the_last_failure_is_told(refusing: Address, dead: list[Address]) -> None:
    with pytest.raises(ConnectionRefusedError):
        connect(refusing)
    with pytest.raises(OSError, match="no address"):
        connect()
    with pytest.raises(TimeoutError, match="no answer in time"):
        connect(refusing, *dead, seconds=0.3)


def test_nothing_is_left_open(dead: list[Address], good: Address) -> None:
    """A socket that nobody closes is a ResourceWarning, which is an error here."""
    with happy_eyeballs.Race([*dead, good]) as race:
        winner, _ = race.run(time.monotonic() + 20)
        losers = [key.fileobj for key in race._selector.get_map().values()]
    winner.close()
    assert len(losers) == 2
    assert [sock.fileno() for sock in losers] == [-1, -1]


def test_the_memory_is_bounded(good: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happy_eyeballs, "MOST_HOSTS", 2)
    for name in "abc":
        connect_first(name, [good], time.monotonic() + 20).close()
    assert list(happy_eyeballs._answered) == ["c"]
