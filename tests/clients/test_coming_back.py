"""The clients of `docs/clients/` after each refusal and end of `docs/protocol.md`: they come back, none hammers."""

import signal
from pathlib import Path

import pytest

from tests.clients.clients import PAGES, PROGRAMS, TIMES, running
from tests.clients.scripted import FREEZE, HELLO, SERVE, Act, ScriptedServer, board, close, refuse

EVERYONE = [*PROGRAMS, *PAGES]
# Seconds that a timer may be early by its own clock.
EARLY = 0.01
OFTEN = 8
# A random part of the first wait eight times is more than this with a probability of 1 - 4e-6.
NO_HAMMER = OFTEN * TIMES["first-wait"] / 10


@pytest.mark.parametrize("name", EVERYONE)
@pytest.mark.parametrize(
    "act",
    [refuse(503), Act(drop=True), close(1000), close(1012), close(1013)],
    ids=["503", "dropped", "1000", "1012", "1013"],
)
async def test_a_client_comes_back_and_does_not_hammer(name: str, act: Act, tmp_path: Path) -> None:
    async with ScriptedServer(*OFTEN * [act], SERVE) as server, running(name, server.url, tmp_path) as client:
        await server.visited(OFTEN + 1)
        await client.until(lambda: client.printed)
    assert sum(server.gaps()) > NO_HAMMER
    for gap, wait in zip(server.gaps(), client.waits(), strict=False):
        assert 0 <= wait <= TIMES["longest-wait"]
        assert gap > wait - EARLY


@pytest.mark.parametrize("name", EVERYONE)
async def test_a_client_comes_back_when_a_server_that_restarts_wants_it(name: str, tmp_path: Path) -> None:
    bye = close(1012, {"type": "bye", "retry_ms": 700})
    async with ScriptedServer(bye, SERVE) as server, running(name, server.url, tmp_path) as client:
        await server.visited(2)
        await client.until(lambda: len(client.printed) > 1)
    assert server.gaps()[0] > 0.7 - EARLY
    assert all(0.7 <= wait <= 1.4 for wait in client.waits())


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_comes_back_when_a_full_server_wants_it(name: str, tmp_path: Path) -> None:
    full = refuse(503, Retry_After="1")
    async with ScriptedServer(full, SERVE) as server, running(name, server.url, tmp_path) as client:
        await server.visited(2)
        await client.until(lambda: client.printed)
    assert server.gaps()[0] > 1 - EARLY
    assert client.waits()[0] <= 2
    assert "503" in client.said[0]


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_that_is_not_allowed_ends_and_says_so(name: str, tmp_path: Path) -> None:
    async with ScriptedServer(refuse(403)) as server, running(name, server.url, tmp_path) as client:
        assert await client.ended() == 1
    assert client.said == ["not allowed: refused with 403"]
    assert len(server.visits) == 1


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_that_cannot_know_why_it_is_refused_does_not_hammer(name: str, tmp_path: Path) -> None:
    """No browser tells a page the status of a refused handshake."""
    async with ScriptedServer(refuse(403)) as server, running(name, server.url, tmp_path):
        await server.visited(OFTEN + 1)
    assert sum(server.gaps()) > NO_HAMMER


@pytest.mark.parametrize("name", EVERYONE)
@pytest.mark.parametrize("code", [4001, 4003])
async def test_a_client_whose_only_token_is_refused_does_not_come_back(name: str, code: int, tmp_path: Path) -> None:
    async with ScriptedServer(close(code)) as server, running(name, server.url, tmp_path, RATES_TOKEN="a.b") as client:
        assert await client.ended() == (1 if name in PROGRAMS else 0)
    assert f"not allowed: closed with {code}" in client.said
    assert len(server.visits) == 1
    shown = server.visits[0]
    assert shown.authorization == "Bearer a.b" or shown.subprotocols == ["rates.v1", "bearer", "a.b"]


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_whose_token_is_refused_comes_back_with_another(name: str, tmp_path: Path) -> None:
    async with (
        ScriptedServer(close(4001), SERVE) as server,
        running(name, server.url, tmp_path, RATES_TOKENS="first,second") as client,
    ):
        await server.visited(2)
        await client.until(lambda: len(client.printed) > 1)
    assert [visit.subprotocols[2] for visit in server.visits] == ["first", "second"]


@pytest.mark.parametrize("name", EVERYONE)
@pytest.mark.parametrize("act", [FREEZE, SERVE, Act(hang=True)], ids=["frozen", "silent", "no answer"])
async def test_a_client_gives_up_a_server_that_is_silent(name: str, act: Act, tmp_path: Path) -> None:
    async with ScriptedServer(act) as server, running(name, server.url, tmp_path, times={"quiet": 0.7}) as client:
        await server.visited(3)
    assert all(wait <= TIMES["longest-wait"] for wait in client.waits())


@pytest.mark.parametrize("name", EVERYONE)
async def test_a_client_outlasts_a_server_that_is_down(name: str, tmp_path: Path) -> None:
    async with ScriptedServer(SERVE) as server, running(name, server.url, tmp_path) as client:
        await client.until(lambda: client.printed)
        await server.stop()
        await client.until(lambda: client.tries() > OFTEN)
        shown = len(client.printed)
        await server.start()
        await client.until(lambda: len(client.printed) > shown)
    assert all(wait <= TIMES["longest-wait"] for wait in client.waits())
    assert sum(client.waits()) > NO_HAMMER or name == "react-24"


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_takes_a_board_of_ten_thousand_coins(name: str, tmp_path: Path) -> None:
    """Some 2.5 MB as the product writes them; several libraries end a connection at 1 MiB unless they are told more."""
    coins = [f"C{number}" for number in range(10_000)]
    large = Act(frames=[HELLO, board(*coins, name="n" * 200)])
    async with ScriptedServer(large) as server, running(name, server.url, tmp_path) as client:
        await client.until(lambda: any("C9999" in line for line in client.printed))
    assert len(server.visits) == 1


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_whose_output_is_cut_ends_without_a_traceback(name: str, tmp_path: Path) -> None:
    async with ScriptedServer(close(1000)) as server, running(name, server.url, tmp_path) as client:
        await client.until(lambda: client.printed)
        await client.cut_output()
        assert await client.ended() in (0, -signal.SIGPIPE)
    assert all("next attempt" in line for line in client.said)


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_says_in_one_line_that_an_address_cannot_be_one(name: str, tmp_path: Path) -> None:
    async with running(name, "rates.example", tmp_path) as client:
        assert await client.ended() == 2
    assert "rates.example" in client.said[-1]
    assert len([line for line in client.said if "usage" not in line and line[:1] != " "]) == 1


async def test_the_hook_keeps_its_socket_when_a_token_is_written_inline(tmp_path: Path) -> None:
    """Each rendering brings another function then."""
    renderings = [{"type": "heartbeat", "epoch": "e", "seq": 1, "as_of": f"2026-11-28T12:00:0{n}Z"} for n in range(5)]
    served = Act(frames=[HELLO, board(), *renderings])
    async with (
        ScriptedServer(served) as server,
        running("react-24", server.url, tmp_path, RATES_TOKENS="a,b,c,d,e") as client,
    ):
        await client.until(lambda: len(client.printed) > 1)
        await client.until(lambda: "open null" in client.said)
    assert [visit.subprotocols[2] for visit in server.visits] == ["a"]
