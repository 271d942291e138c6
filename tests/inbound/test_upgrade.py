"""What reaches the handshake of `manage.py serve`: at once, in pieces, or through uvicorn's HTTP protocol."""

import asyncio
from collections.abc import Iterator

import pytest

from rates.inbound.opening import check_request, parse_request, read_handshake
from tests.boards import publish
from tests.raw_socket import HANDSHAKE, TEXT, RawSocket, frame
from tests.servers import Server

VALID = HANDSHAKE.format(address="rates.example", query="").encode()
# Each is for uvicorn's HTTP protocol to judge.
OTHERS = {
    "a page": b"GET /healthz HTTP/1.1\r\nHost: rates.example\r\n\r\n",
    "half a head": VALID[:-2],
    "more than a head": VALID + b"\x81",
    "two requests": VALID + VALID,
    "no host": VALID.replace(b"Host: rates.example\r\n", b""),
    "two hosts": VALID.replace(b"Host:", b"Host: other.example\r\nHost:"),
    "no connection header": VALID.replace(b"Connection: Upgrade\r\n", b""),
    "another method": VALID.replace(b"GET", b"POST"),
    "HTTP/1.0": VALID.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "another version": VALID.replace(b"Version: 13", b"Version: 8"),
    "no key": VALID.replace(b"Sec-WebSocket-Key", b"X-Key"),
    "two keys": VALID.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
    "two origins": VALID.replace(b"\r\n\r\n", b"\r\nOrigin: http://a.example\r\nOrigin: http://b.example\r\n\r\n"),
    "another upgrade": VALID.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
    "a subprotocol that is no token": VALID.replace(b"rates.v1", b"rates v1"),
    "an offer that cannot be read": VALID.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: ;\r\n\r\n"),
    "a control character": VALID.replace(b"\r\n\r\n", b"\r\nX-Bell: \x07\r\n\r\n"),
    "a bare line feed": VALID.replace(b"\r\n\r\n", b"\nX-More: 1\r\n\r\n"),
    "many headers": VALID.replace(b"\r\n\r\n", b"\r\n" + b"X: y\r\n" * 128 + b"\r\n"),
    "a short key": VALID.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhl"),
    "a body": VALID.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"),
    "a chunked body": VALID.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "a header without a name": VALID.replace(b"\r\n\r\n", b"\r\n: x\r\n\r\n"),
    "a folded header": VALID.replace(b"\r\n\r\n", b"\r\n folded\r\n\r\n"),
    "a long header": VALID.replace(b"\r\n\r\n", b"\r\nCookie: " + b"x" * 10_000 + b"\r\n\r\n"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("prepared", tmp_path_factory.mktemp("server") / "log") as running:
        yield running
        assert "Traceback" not in running.log.read_text()


def test_a_whole_and_valid_handshake_needs_no_http_parser() -> None:
    for data in (VALID, VALID.replace(b"Upgrade: websocket", b"UPGRADE: WebSocket")):
        found = read_handshake(data)
        assert found
        assert (found.target, found.key, found.compression) == ("/ws/rates", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "")


def offering(extension: str) -> bytes:
    """Return a handshake that offers *extension*."""
    return VALID.replace(b"\r\n\r\n", f"\r\nSec-WebSocket-Extensions: {extension}\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        ("permessage-deflate", "; server_no_context_takeover; client_no_context_takeover"),
        ("permessage-deflate; client_max_window_bits", "; server_no_context_takeover; client_no_context_takeover"),
        (
            "permessage-deflate; server_max_window_bits=15",
            "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15",
        ),
        ("permessage-deflate; server_max_window_bits=10", None),
        ("permessage-bzip2", None),
    ],
)
def test_each_message_is_compressed_by_itself_or_not_at_all(offer: str, agreed: str | None) -> None:
    found = read_handshake(offering(offer))
    assert found
    assert found.compression == ("" if agreed is None else f"permessage-deflate{agreed}")


@pytest.mark.parametrize(
    "data",
    [
        VALID,
        VALID.replace(b"/ws/rates", b"/ws/rates?symbols=BTC,%C3%A9"),
        VALID.replace(b"Connection: Upgrade", b"CONNECTION:\tkeep-alive , upgrade \t"),
        VALID.replace(b"\r\n\r\n", b"\r\nCookie: a=\xe9\r\nX-Empty:\r\ncookie: b\r\n\r\n"),
        VALID.replace(b"rates.v1", b"rates.v1, bearer,ey.J-_"),
        offering("permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Extensions: permessage-bzip2"),
    ],
)
def test_a_handshake_is_read_as_the_library_reads_it(data: bytes) -> None:
    found, request = read_handshake(data), parse_request(data)
    assert found
    assert request
    assert found == check_request(request)


@pytest.mark.parametrize("what", OTHERS)
def test_anything_else_does(what: str) -> None:
    assert read_handshake(OTHERS[what]) is None


async def answer_to(server: Server, *pieces: bytes) -> bytes:
    """Return the head of the answer to *pieces*, which are sent one after the other."""
    host, port = server.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ("a page", b"200"),
        ("no host", b"400"),
        ("two hosts", b"400"),
        ("another version", b"400"),
        ("a short key", b"400"),
        ("another method", b"405"),
        ("a header without a name", b"400"),
    ],
)
async def test_what_is_no_handshake_is_answered_as_before(server: Server, what: str, status: bytes) -> None:
    await asyncio.to_thread(publish, BTC="1")
    assert (await answer_to(server, OTHERS[what])).split(b" ")[1] == status


async def test_a_handshake_in_pieces_is_accepted(server: Server) -> None:
    single_bytes = [VALID[at : at + 1] for at in range(len(VALID))]
    for pieces in (single_bytes, [VALID[:40], VALID[40:]]):
        assert (await answer_to(server, *pieces)).startswith(b"HTTP/1.1 101 ")


async def wait_for_board(server: Server) -> None:
    """Wait until *server* has a board; without one it has nothing to answer a ping with."""
    async with await RawSocket.open(server.address) as client:
        while b'"type":"board"' not in (text := await client.read_until(TEXT) or b""):
            assert text, "no board"


async def test_what_a_client_says_right_after_its_handshake_is_answered(server: Server) -> None:
    await asyncio.to_thread(publish, BTC="1")
    await wait_for_board(server)
    async with await RawSocket.open(server.address) as client:
        client.writer.write(frame(TEXT, b'{"type":"ping"}') * 2)
        kinds = [await client.read_until(TEXT) for _ in range(4)]
    assert [b'"type":"heartbeat"' in (kind or b"") for kind in kinds] == [False, False, True, True]
