"""Sockets in other currencies, at one hub: what they are sent, and what that costs."""

from dataclasses import replace

import pytest

from rates import currencies, publication
from rates.fanout.hub import Hub
from rates.fanout.sockets import Group, Socket
from rates.types import Currency, Snapshot
from tests.boards import fragments
from tests.fanout.test_hub import KeepingLink

AT = "2126-11-24T12:00:00.000Z"
EUR, JPY = (Currency(code, worth, "0", "kraken", AT) for code, worth in (("eur", "0.90"), ("jpy", "150.0")))


def board(seq: int, worths: tuple[Currency, ...] = (EUR, JPY), **prices: str) -> Snapshot:
    return Snapshot("e1", seq, f"2126-11-24T12:00:{seq:02}.000Z", fragments(**prices), {w.code: w for w in worths})


def send(hub: Hub, new: Snapshot) -> None:
    old = hub.snapshot
    assert old is not None
    changed = {s for s, fragment in new.fragments.items() if fragment != old.fragments.get(s)}
    removed = old.fragments.keys() - new.fragments.keys()
    assert hub.handle_publication(publication.build_message(new, changed, removed))


def join(hub: Hub, currency: str = "", *, typed: bool = True) -> KeepingLink:
    link = KeepingLink()
    hub.add(Socket(link, Group(typed, currency=currency)))
    return link


def prices(frame: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {coin["symbol"]: coin["price"] for coin in frame["rates"]}


@pytest.fixture
def hub() -> Hub:
    hub = Hub()
    hub.replace(board(1, BTC="100.00", ETH="10.00"))
    return hub


def test_a_socket_is_greeted_in_its_currency(hub: Hub) -> None:
    hello, whole = join(hub, "eur").taken()
    assert (hello["quote"], hello["currencies"][:2], whole["currency"]) == ("eur", ["usd", "eur"], "eur")
    assert prices(whole) == {"BTC": "90.00", "ETH": "9.000"}


def test_a_socket_in_the_base_sees_nothing_of_it(hub: Hub) -> None:
    link = join(hub)
    send(hub, board(2, BTC="101.00", ETH="10.00"))
    hello, whole, update = link.taken()
    assert (hello["quote"], whole["currency"]) == ("usd", "usd")
    assert prices(update) == {"BTC": "101.00"}
    assert "currency" not in update


def test_a_publication_is_sent_as_the_change(hub: Hub) -> None:
    link = join(hub, "eur")
    send(hub, board(2, BTC="101.00", ETH="10.00"))
    update = link.taken()[-1]
    assert (update["type"], prices(update)) == ("update", {"BTC": "90.90"})


def test_a_currency_that_has_moved_changes_every_row(hub: Hub) -> None:
    eur, usd = join(hub, "eur"), join(hub)
    send(hub, board(2, (EUR._replace(per_base="0.80"), JPY), BTC="100.00", ETH="10.00"))
    assert prices(eur.taken()[-1]) == {"BTC": "80.00", "ETH": "8.000"}
    assert prices(usd.taken()[-1]) == {}


def test_a_currency_that_is_marked_marks_every_row(hub: Hub) -> None:
    link = join(hub, "eur")
    send(hub, board(2, (EUR._replace(stale=True),), BTC="100.00", ETH="10.00"))
    assert [coin["stale"] for coin in link.taken()[-1]["rates"]] == [True, True]


def test_the_plain_dialect_has_it_too(hub: Hub) -> None:
    link = join(hub, "jpy", typed=False)
    send(hub, board(2, BTC="101.00", ETH="10.00"))
    assert link.taken() == [{"BTC": 15000.0, "ETH": 1500.0}, {"BTC": 15150.0, "ETH": 1500.0}]


def test_a_removed_coin_is_removed_in_every_currency(hub: Hub) -> None:
    link = join(hub, "eur")
    send(hub, board(2, BTC="100.00"))
    update = link.taken()[-1]
    assert (update["removed"], update["symbols"], prices(update)) == (["ETH"], ["BTC"], {})


def test_a_late_board_is_stale_in_every_currency(hub: Hub) -> None:
    hub.replace(replace(board(2, BTC="100.00"), epoch="e2", as_of="2026-01-01T00:00:00.000Z"))
    whole = join(hub, "eur").taken()[-1]
    assert [(coin["price"], coin["stale"]) for coin in whole["rates"]] == [("90.00", True)]


def test_a_selection_may_change_the_currency(hub: Hub) -> None:
    link = KeepingLink()
    socket = Socket(link, Group(typed=True))
    hub.add(socket)
    hub.select(socket, frozenset({"eth"}), "eur")
    assert prices(link.taken()[-1]) == {"ETH": "9.000"}


def test_each_currency_is_derived_once_and_one_that_nobody_wants_never(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    derived: list[str] = []
    convert = currencies.convert_row

    def count(fragment: object, worth: Currency) -> object:
        derived.append(worth.code)
        return convert(fragment, worth)  # type: ignore[arg-type]

    for _ in range(5):
        join(hub, "eur")
        join(hub)
        join(hub, "eur", typed=False)
    monkeypatch.setattr(currencies, "convert_row", count)
    send(hub, board(2, BTC="101.00", ETH="10.00"))
    assert derived == ["eur"]
