"""The hub alone: who is sent what, with links that record it."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from rates import publication
from rates.fanout.close_codes import CloseCode
from rates.fanout.hub import MAX_QUEUED_ANSWERS, Hub
from rates.fanout.sockets import Frame, Group, Socket
from rates.symbols import fold
from rates.types import Rate, Row, Snapshot, time_text
from tests.boards import fragments


class KeepingLink:
    """A client that takes frames while it is not `busy`."""

    def __init__(self) -> None:
        self.busy = False
        self.frames: list[Any] = []
        self.closed: int | None = None
        self.on_writable: Callable[[], None] = lambda: None
        self.on_blocked: Callable[[], None] = lambda: None
        self.check_at = 0.0
        self.checks = 0

    def write(self, frame: Frame) -> bool:
        if not self.busy:
            self.frames += map(json.loads, frame.texts)
        return not self.busy

    def close(self, code: int) -> None:
        self.closed = code

    def check_client(self) -> float:
        self.checks += 1
        return self.check_at

    def free(self) -> None:
        self.busy = False
        self.on_writable()

    def taken(self) -> list[Any]:
        """Return the messages since the last call."""
        frames, self.frames = self.frames, []
        return frames

    def kinds(self) -> list[str]:
        return [frame["type"] for frame in self.taken()]


def board(seq: int, epoch: str = "e1", **prices: str | None) -> Snapshot:
    """Return a board that is never late: it is of another century."""
    return Snapshot(epoch, seq, f"2126-11-24T12:00:{seq:02}.000Z", fragments(**prices))


def step(old: Snapshot, **prices: str | None) -> tuple[Snapshot, publication.Message]:
    """Return the board after *old*, and the publication that leads to it."""
    new = board(old.seq + 1, old.epoch, **prices)
    changed = {s for s, fragment in new.fragments.items() if fragment != old.fragments.get(s)}
    return new, publication.build_message(new, changed, old.fragments.keys() - new.fragments.keys())


FIRST = board(1, BTC="1", ETH="2")


@pytest.fixture
def hub() -> Hub:
    hub = Hub()
    hub.replace(FIRST)
    return hub


def join(hub: Hub, typed: bool = True, symbols: set[str] | None = None) -> KeepingLink:
    link = KeepingLink()
    hub.add(Socket(link, Group(typed, None if symbols is None else frozenset(symbols))))
    return link


def test_a_new_socket_gets_hello_and_the_board(hub: Hub) -> None:
    assert join(hub).kinds() == ["hello", "board"]


def test_a_plain_socket_gets_the_map_of_prices_and_nothing_else(hub: Hub) -> None:
    link = join(hub, typed=False)
    hub.handle_publication(step(FIRST, BTC="3", ETH="2")[1])
    assert link.taken() == [{"BTC": 1, "ETH": 2}, {"BTC": 3, "ETH": 2}]


def test_a_publication_reaches_sockets_as_the_change(hub: Hub) -> None:
    link = join(hub)
    link.taken()
    assert hub.handle_publication(step(FIRST, BTC="3", ETH="2")[1])
    [update] = link.taken()
    assert (update["type"], update["seq"], update["removed"]) == ("update", 2, [])
    assert [(coin["symbol"], coin["price"]) for coin in update["rates"]] == [("BTC", "3")]
    assert "symbols" not in update


def test_a_removed_and_a_moved_coin_are_in_the_update(hub: Hub) -> None:
    link = join(hub)
    link.taken()
    hub.handle_publication(step(FIRST, ADA="5", BTC="1")[1])
    [update] = link.taken()
    assert (update["removed"], update["symbols"]) == (["ETH"], ["ADA", "BTC"])


def test_a_selection_decides_what_is_sent(hub: Hub) -> None:
    link = join(hub, symbols={fold("ETH")})
    hub.handle_publication(step(FIRST, BTC="3", ETH="2")[1])
    _, whole, update = link.taken()
    assert [coin["symbol"] for coin in whole["rates"]] == ["ETH"]
    assert update["rates"] == []


def test_a_new_selection_is_answered_with_its_board(hub: Hub) -> None:
    link = KeepingLink()
    socket = Socket(link, Group(typed=True))
    hub.add(socket)
    link.taken()
    hub.select(socket, frozenset({fold("BTC")}), "")
    [whole] = link.taken()
    assert (whole["type"], [coin["symbol"] for coin in whole["rates"]]) == ("board", ["BTC"])
    assert hub.count() == 1


def old_board(seq: int = 1, ago: float = 60) -> Snapshot:
    return replace(board(seq, BTC="1", ETH="2"), as_of=time_text(datetime.now(UTC) - timedelta(seconds=ago)))


def test_a_plain_socket_that_omits_doubtful_prices_gets_the_others(hub: Hub) -> None:
    link = KeepingLink()
    hub.add(Socket(link, Group(typed=False, sure=True)))
    now = datetime.now(UTC)
    rows = [
        Row(symbol, symbol, Rate(symbol, Decimal(1), None, None, "kraken", now, now), **marks)
        for symbol, marks in {"BTC": {}, "ETH": {"stale": True}, "XLM": {"disputed": True}}.items()
    ]
    hub.replace(replace(FIRST, seq=2, fragments={row.symbol: publication.encode_row(row) for row in rows}))
    assert link.taken() == [{"BTC": 1, "ETH": 2}, {"BTC": 1}]


def test_when_nobody_publishes_any_more_every_price_is_stale_for_every_socket() -> None:
    hub = Hub()
    hub.replace(old_board(ago=1))
    typed, plain, sure = join(hub), join(hub, typed=False), KeepingLink()
    hub.add(Socket(sure, Group(typed=False, sure=True)))
    hub.check_lateness()
    assert [len(link.taken()) for link in (typed, plain, sure)] == [2, 1, 1]
    hub.snapshot = old_board()
    hub.check_lateness()
    hub.check_lateness()
    [whole] = typed.taken()
    assert (whole["seq"], [coin["stale"] for coin in whole["rates"]]) == (1, [True, True])
    assert (plain.taken(), sure.taken()) == ([{"BTC": 1, "ETH": 2}], [{}])
    late = join(hub)
    assert [coin["stale"] for coin in late.taken()[1]["rates"]] == [True, True]
    assert hub.handle_publication(step(old_board(), BTC="3", ETH="2")[1])
    [whole] = typed.taken()
    assert (whole["type"], [coin["stale"] for coin in whole["rates"]]) == ("board", [False, False])


def test_text_is_encoded_once_per_selection(hub: Hub) -> None:
    class FrameLink(KeepingLink):
        def write(self, frame: Frame) -> bool:
            self.frames.append(frame)
            return True

    links = [FrameLink() for _ in range(3)]
    for link in links:
        hub.add(Socket(link, Group(typed=True)))
        link.taken()
    hub.handle_publication(step(FIRST, BTC="3", ETH="2")[1])
    assert len({id(link.frames[0]) for link in links}) == 1


def test_after_a_gap_the_store_has_to_be_read(hub: Hub) -> None:
    second = board(2, BTC="3", ETH="2")
    assert not hub.handle_publication(step(second, BTC="4", ETH="2")[1])
    assert hub.snapshot == FIRST


def test_after_a_new_epoch_the_store_has_to_be_read(hub: Hub) -> None:
    assert not hub.handle_publication(publication.build_message(board(2, "e2", BTC="1", ETH="2"), {"BTC"}, set()))


def test_an_unknown_message_version_is_not_applied(hub: Hub) -> None:
    assert not hub.handle_publication(step(FIRST, BTC="3", ETH="2")[1] | {"v": 2})
    assert not hub.handle_publication({"type": publication.EVENT})


def test_a_publication_that_was_applied_before_is_ignored(hub: Hub) -> None:
    link = join(hub)
    link.taken()
    assert hub.handle_publication(publication.build_message(FIRST, {"BTC"}, set()))
    assert link.taken() == []


def test_a_board_from_the_store_is_sent_to_all_sockets(hub: Hub) -> None:
    links = [join(hub), join(hub)]
    for link in links:
        link.taken()
    hub.replace(board(7, BTC="9", ETH="2"))
    assert [link.kinds() for link in links] == [["board"], ["board"]]


def test_an_older_board_from_the_store_is_ignored(hub: Hub) -> None:
    """A read of the store can be overtaken by a publication that it does not contain yet."""
    second, message = step(FIRST, BTC="3", ETH="2")
    hub.handle_publication(message)
    hub.replace(FIRST)
    assert hub.snapshot == second


def test_neither_a_failover_nor_a_clock_that_is_set_back_hides_a_newer_board(hub: Hub) -> None:
    hub.replace(replace(board(5, BTC="3"), as_of="2026-11-24T12:00:05.000Z"))
    hub.replace(replace(board(4, BTC="4"), as_of="2026-11-24T12:00:09.000Z"))
    assert hub.snapshot == replace(board(4, BTC="4"), as_of="2026-11-24T12:00:09.000Z")
    hub.replace(replace(board(6, BTC="5"), as_of="2026-11-24T11:00:09.000Z"))
    assert hub.snapshot == replace(board(6, BTC="5"), as_of="2026-11-24T11:00:09.000Z")


def test_a_board_of_a_new_epoch_replaces_the_old_one_whatever_its_number(hub: Hub) -> None:
    link = join(hub)
    link.taken()
    hub.replace(board(1, "e2", BTC="1"))
    assert [frame["epoch"] for frame in link.taken()] == ["e2"]


def test_a_slow_socket_skips_publications_and_then_gets_the_newest_board(hub: Hub) -> None:
    slow, quick = join(hub), join(hub)
    slow.taken(), quick.taken()
    slow.busy = True
    second, message = step(FIRST, BTC="3", ETH="2")
    hub.handle_publication(message)
    hub.handle_publication(step(second, BTC="4", ETH="2")[1])
    slow.free()
    [whole] = slow.taken()
    assert (whole["type"], whole["seq"], whole["rates"][0]["price"]) == ("board", 3, "4")
    assert quick.kinds() == ["update", "update"]


def test_a_socket_that_was_slow_gets_changes_again(hub: Hub) -> None:
    slow = join(hub)
    slow.busy = True
    second, message = step(FIRST, BTC="3", ETH="2")
    hub.handle_publication(message)
    slow.free()
    slow.taken()
    hub.handle_publication(step(second, BTC="4", ETH="2")[1])
    assert slow.kinds() == ["update"]


def test_a_busy_socket_gets_its_answers_later(hub: Hub) -> None:
    link = KeepingLink()
    socket = Socket(link, Group(typed=True))
    hub.add(socket)
    link.taken()
    link.busy = True
    hub.heartbeat(socket)
    hub.handle_publication(step(FIRST, BTC="3", ETH="2")[1])
    link.free()
    assert link.kinds() == ["board", "heartbeat"]
    link.free()
    assert link.taken() == []


def test_a_busy_socket_has_a_limited_number_of_waiting_answers(hub: Hub) -> None:
    link = KeepingLink()
    socket = Socket(link, Group(typed=True))
    hub.add(socket)
    link.taken()
    link.busy = True
    for _ in range(100):
        hub.heartbeat(socket)
    link.free()
    assert link.kinds() == ["heartbeat"] * MAX_QUEUED_ANSWERS


def test_a_removed_socket_gets_nothing(hub: Hub) -> None:
    link = KeepingLink()
    socket = Socket(link, Group(typed=True))
    hub.add(socket)
    link.taken()
    hub.remove(socket)
    hub.remove(socket)
    hub.handle_publication(step(FIRST, BTC="3", ETH="2")[1])
    assert (link.taken(), hub.count(), hub.sockets) == ([], 0, {})


def test_a_socket_opened_before_the_first_board_gets_it_later() -> None:
    hub = Hub()
    link = join(hub)
    hub.replace(FIRST)
    assert link.kinds() == ["hello", "board"]


@pytest.mark.parametrize(
    ("size", "head"), [(5, b"\x81\x05"), (126, b"\x81\x7e\x00\x7e"), (70000, b"\x81\x7f" + (70000).to_bytes(8, "big"))]
)
def test_the_wire_form_is_one_unmasked_text_frame(size: int, head: bytes) -> None:
    assert Frame("x" * size).wire == head + b"x" * size


def test_unused_selections_are_forgotten(hub: Hub) -> None:
    link = KeepingLink()
    socket = Socket(link, Group(True))
    hub.add(socket)
    for number in range(100):
        hub.select(socket, frozenset({"BTC", f"C{number}"}), "")
    hub.remove(socket)
    assert (hub._boards, hub.sockets) == ({}, {})


def stop_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be a quarter past a second: clients are checked by whole seconds."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.25)


def checks(hub: Hub, monkeypatch: pytest.MonkeyPatch, *links: KeepingLink, seconds: float) -> list[int]:
    """Return how often each of *links* is checked in so many *seconds*."""
    before, clock = [link.checks for link in links], time.monotonic()
    for second in range(1, int(seconds) + 1):
        monkeypatch.setattr(time, "monotonic", lambda at=clock + second: at)
        hub.check_sockets()
    return [link.checks - number for link, number in zip(links, before, strict=True)]


def test_a_client_is_checked_when_its_link_wants_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch)
    links = [KeepingLink() for _ in range(3)]
    for link in links:
        hub.add(Socket(link, Group(typed=True)))
    links[1].check_at = time.monotonic() + 5.5
    links[2].check_at = time.monotonic() + 100
    assert checks(hub, monkeypatch, *links, seconds=10) == [10, 1 + 5, 1]
    links[2].on_blocked()
    links[2].check_at = 0
    assert checks(hub, monkeypatch, *links, seconds=2) == [2, 2, 2]


def test_a_socket_that_has_left_or_is_closed_by_its_check_is_not_checked_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_clock(monkeypatch)

    class ClosingLink(KeepingLink):
        def check_client(self) -> float:
            hub.remove(sockets[1])
            return super().check_client()

    links = [KeepingLink(), ClosingLink()]
    sockets = [Socket(link, Group(typed=True)) for link in links]
    for socket in sockets:
        hub.add(socket)
        hub.select(socket, None, "")
    hub.remove(sockets[0])
    assert checks(hub, monkeypatch, *links, seconds=5) == [0, 1]


def test_a_socket_ends_with_its_token_whatever_its_link_wants(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch)
    links = [KeepingLink() for _ in range(3)]
    sockets = [Socket(link, Group(typed=True), at) for link, at in zip(links, (2.0, 60.0, None), strict=True)]
    for link, socket in zip(links, sockets, strict=True):
        link.check_at = time.monotonic() + 60
        hub.add(socket)
    monkeypatch.setattr(time, "time", lambda: 1.0)
    assert checks(hub, monkeypatch, *links, seconds=1) == [1, 1, 1]
    assert [link.closed for link in links] == [None, None, None]
    monkeypatch.setattr(time, "time", lambda: 2.0)
    assert checks(hub, monkeypatch, *links, seconds=2)[2] == 0
    assert [link.closed for link in links] == [CloseCode.TOKEN_REFUSED, None, None]
