"""A question to an exchange, at the level of its frames: what may come between, and how every way of ending is told."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django import Settings
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode
from websockets.sync.server import ServerConnection, serve

from rates import store
from rates.exceptions import SourceUnreachable
from rates.models import Coin
from rates.outbound.dialing import USER_AGENT
from rates.outbound.websocket import LONGEST_MESSAGE, cut_texts
from rates.sources import binance
from rates.sources.vendor_values import json_reader
from rates.sources.websocket import open_session
from tests.coins import pairs
from tests.nginx import make_certificate
from tests.stand_ins.sockets import DRIP

read_object: Callable[[str | bytes], dict[str, object]] = json_reader(dict[str, object])
Behaviour = Callable[[ServerConnection], None]
PIECES = ['{"last"', ": 63250", ".12}"]
# Asks through TLS in a process of its own, which trusts the authority that its environment names.
ASK = """
import sys
from rates.sources.vendor_values import json_reader
from rates.sources.websocket import open_session
read_object = json_reader(dict)
with open_session("vendor", sys.argv[1], 3) as session:
    session.send("price?")
    print(session.read(read_object))
"""


@contextmanager
def vendor(behave: Behaviour, trust: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve connections with *behave*; the value is the address."""
    with serve(behave, "127.0.0.1", 0, ssl=trust, ping_interval=None, close_timeout=0.2) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"{'wss' if trust else 'ws'}://127.0.0.1:{server.socket.getsockname()[1]}/"
        server.shutdown()
        thread.join(5)


def ask(address: str, timeout: float = 3.0) -> dict[str, object]:
    """Put one question."""
    with open_session("vendor", address, timeout) as session:
        session.send("price?")
        return session.read(read_object)


def test_message_in_pieces_is_one_message() -> None:
    def behave(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(PIECES)

    with vendor(behave) as address:
        assert str(ask(address)["last"]) == "63250.12"


def test_ping_between_question_and_answer_is_answered() -> None:
    def behave(connection: ServerConnection) -> None:
        connection.recv()
        assert connection.ping().wait(2)
        connection.send("".join(PIECES))

    with vendor(behave) as address:
        assert ask(address)


def test_vendor_hears_who_asks_and_when_that_is_over() -> None:
    heard: list[object] = []

    def behave(connection: ServerConnection) -> None:
        assert connection.request is not None
        heard.append(connection.request.headers["User-Agent"])
        connection.recv()
        connection.send("".join(PIECES))
        for _ in connection:
            pass
        heard.append(connection.close_code)

    with vendor(behave) as address:
        ask(address)
    assert heard == [USER_AGENT, CloseCode.NORMAL_CLOSURE]


def test_vendor_that_goes_on_telling_prices_hears_that_it_is_over() -> None:
    heard: list[object] = []

    def behave(connection: ServerConnection) -> None:
        connection.recv()
        with suppress(ConnectionClosed):
            while True:
                connection.send("".join(PIECES))
        heard.append(connection.close_code)

    with vendor(behave) as address:
        assert ask(address)
    assert heard == [CloseCode.NORMAL_CLOSURE]


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(lambda connection: connection.close(CloseCode.TRY_AGAIN_LATER), id="goodbye"),
        pytest.param(lambda connection: connection.socket.shutdown(2), id="end of the connection"),
        pytest.param(lambda connection: connection.send('"' + LONGEST_MESSAGE * "x" + '"'), id="too long"),
        pytest.param(
            lambda connection: connection.send(iter(['"', *(2**16 * "x" for _ in range(17)), '"'])),
            id="too many pieces",
        ),
    ],
)
def test_connection_that_ends_is_told_at_once(behave: Behaviour) -> None:
    def begin(connection: ServerConnection) -> None:
        connection.recv()
        behave(connection)
        connection.recv(timeout=10)

    with vendor(begin) as address:
        began = time.monotonic()
        with pytest.raises(SourceUnreachable, match="cannot be reached: "):
            ask(address, timeout=8)
        assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "spare",
    [
        pytest.param(lambda connection: connection.ping(), id="pings"),
        pytest.param(lambda connection: connection.send(iter(["{", ""])), id="pieces"),
        pytest.param(lambda connection: connection.send("[]"), id="other messages"),
    ],
)
def test_deadline_holds_however_busy_the_connection_is(spare: Behaviour) -> None:
    def behave(connection: ServerConnection) -> None:
        while True:
            spare(connection)
            time.sleep(DRIP)

    with vendor(behave) as address:
        began = time.monotonic()
        with pytest.raises(SourceUnreachable, match="no answer in time"):
            ask(address, timeout=0.6)
        assert 0.5 < time.monotonic() - began < 2


def test_answer_that_came_is_not_lost_to_a_vendor_that_never_says_goodbye() -> None:
    def behave(connection: ServerConnection) -> None:
        connection.recv()
        connection.send("".join(PIECES))
        while True:
            connection.socket.sendall(b"\x89\x00")
            time.sleep(DRIP)

    with vendor(behave) as address:
        began = time.monotonic()
        assert ask(address, timeout=8)
        assert time.monotonic() - began < 4


def test_answers_that_came_are_kept_when_the_unknown_pair_cannot_be_verified_in_time(settings: Settings) -> None:
    ticker = {"symbol": "BTCUSDT", "lastPrice": "63250.12", "openPrice": "63000", "quoteVolume": "1", "closeTime": 1}

    def behave(connection: ServerConnection) -> None:
        for text in connection:
            request = json.loads(text)
            if request["method"] != "ticker.24hr":
                continue
            known = request["params"].get("symbol") == "BTCUSDT"
            told = {"result": ticker} if known else {"error": {"code": binance.UNKNOWN_PAIR}}
            connection.send(json.dumps({"id": request["id"], "status": 200 if known else 400, **told}))

    coins = [Coin(symbol=symbol, **pairs(symbol)) for symbol in ("BTC", "NOPE")]
    with vendor(behave) as settings.BINANCE_WS_API_URL:
        rates = binance.fetch_rates(coins, 2)
    assert [(rate.symbol, str(rate.price)) for rate in rates] == [("BTC", "63250.12")]
    assert not store.load_unknown_pairs()


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
@pytest.mark.parametrize("trusted", [True, False])
def test_vendor_is_spoken_to_through_tls_and_must_prove_who_it_is(tmp_path: Path, trusted: bool) -> None:
    def behave(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(PIECES)

    chain = make_certificate(tmp_path)
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(chain, tmp_path / "privkey.pem")
    with vendor(behave, trust) as address:
        environment = os.environ | ({"SSL_CERT_FILE": str(chain)} if trusted else {})
        run = subprocess.run(
            [sys.executable, "-c", ASK, address],
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert run.stdout == ("{'last': Decimal('63250.12')}\n" if trusted else "")
    assert ("SSLCertVerificationError" in run.stderr) != trusted


LENGTHS = [0, 1, 90, 91, 65_000, 70_000, 2]


def test_messages_of_every_length_arrive_in_order_whatever_comes_between() -> None:
    """Short ones are not parsed by the library that reads the others; pings and pieces are none of them."""

    def behave(connection: ServerConnection) -> None:
        connection.recv()
        for number, length in enumerate(LENGTHS):
            connection.send(json.dumps({"number": number, "fill": "x" * length}))
        assert connection.ping().wait(2)
        connection.send(['{"number"', ": 7}"])
        connection.send('{"number": 8}')

    with vendor(behave) as address, open_session("vendor", address, 5) as session:
        session.send("price?")
        assert [session.read(read_object)["number"] for _ in range(9)] == list(range(9))


@given(st.lists(st.sampled_from([0, 1, 5, 125, 126, 300, 65_535, 65_536]), min_size=1), st.integers(0, 70_000))
@example([5, 126], 8)
@example([65_536], 3)
def test_texts_are_cut_where_their_frames_end(lengths: list[int], received: int) -> None:
    texts = [b"x" * length for length in lengths]
    sent = b"".join(Frame(Opcode.TEXT, text).serialize(mask=False) for text in texts)
    buffer = bytearray(sent[:received])
    first, may_go_on = cut_texts(buffer)
    buffer += sent[received:]
    second, goes_on = cut_texts(buffer)
    assert (first + second, buffer, may_go_on, goes_on) == (texts, b"", True, True)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(Opcode.PING, b""),
        Frame(Opcode.CLOSE, b""),
        Frame(Opcode.TEXT, b"{", fin=False),
        Frame(Opcode.BINARY, b"{}"),
        Frame(Opcode.TEXT, b"x" * (LONGEST_MESSAGE + 1)),
    ],
)
def test_any_other_frame_is_left_to_the_library_with_all_that_follows(frame: Frame) -> None:
    text = Frame(Opcode.TEXT, b"{}").serialize(mask=False)
    other = frame.serialize(mask=False)
    buffer = bytearray(text + other + text)
    assert cut_texts(buffer) == ([b"{}"], False)
    assert buffer == other + text
