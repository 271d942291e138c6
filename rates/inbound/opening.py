"""
Reads the request of an opening handshake (RFC 6455, section 4.2.1).

What `read_handshake` accepts, `websockets` accepts too, and reads the same in it; whatever is unusual is left to that
library, which takes ten times as long and knows how to refuse.

Tested in `tests/inbound/test_upgrade.py`.
"""

import re
from functools import lru_cache
from typing import NamedTuple, cast
from zlib import MAX_WBITS

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.streams import StreamReader
from websockets.utils import accept_key

# Bytes of a head, and how many headers it has; more is left to others to read.
MAX_HEAD, MAX_HEADERS = 8192, 128
NAME = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]++"
# A whole head, and nothing behind it. Nothing in it can match in two ways.
HEAD = re.compile(rb"GET ([!-~]++) HTTP/1\.1\r\n((?:%b:[\t -~\x80-\xff]*+\r\n)++)\r\n" % NAME)
HEADER = re.compile(rb"(%b):([^\r]*+)\r\n" % NAME)
# 16 bytes in base 64.
KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")
SUBPROTOCOLS = re.compile(rb"%b(?:, ?%b)*" % (NAME, NAME))
# What a handshake has once. `Origin` and a subprotocol may be missing.
ONCE = (b"host", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version")
AT_MOST_ONCE = (b"origin", b"sec-websocket-protocol")
# A handshake has no body.
BODY = (b"content-length", b"transfer-encoding")
# Its checks of a request remember nothing that concerns the next one. No message is compressed with what was in the one
# before, in either direction: so all clients get the same bytes, and none costs us a compressor.
CHECKS = ServerProtocol(
    extensions=[ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)]
)


class Handshake(NamedTuple):
    """
    A valid handshake, and what it comes to.

    Attributes:
        target: path and query, as they are in the request.
        headers: names in lower case, and values.
        key: the proof that we understand it.
        compression: what compression was agreed upon, as a header says it; empty for none.
    """

    target: str
    headers: list[tuple[bytes, bytes]]
    key: str
    compression: str


def read_handshake(data: bytes) -> Handshake | None:
    """Return the handshake in *data*; None for anything but one whole, valid and usual handshake."""
    head = HEAD.fullmatch(data) if len(data) <= MAX_HEAD else None
    if head is None:
        return None
    headers = [(name.lower(), value.strip(b" \t")) for name, value in HEADER.findall(head[2])]
    named = dict(headers)
    if len(headers) > MAX_HEADERS or not (_is_complete(headers, named) and _is_upgrade(named)):
        return None
    try:
        compression = agree_on_compression(b",".join(v for name, v in headers if name == b"sec-websocket-extensions"))
    except InvalidHandshake:
        return None
    return Handshake(head[1].decode(), headers, accept_key(named[b"sec-websocket-key"].decode()), compression)


def _is_complete(headers: list[tuple[bytes, bytes]], named: dict[bytes, bytes]) -> bool:
    """Return whether all that is needed is there, and nothing twice that may be there once."""
    if any(name not in named for name in ONCE) or any(name in named for name in BODY):
        return False
    names = [name for name, _ in headers] if len(named) != len(headers) else []
    return not any(names.count(name) > 1 for name in (*ONCE, *AT_MOST_ONCE))


def _is_upgrade(named: dict[bytes, bytes]) -> bool:
    return (
        named[b"upgrade"].lower() == b"websocket"
        and b"upgrade" in [word.strip() for word in named[b"connection"].lower().split(b",")]
        and named[b"sec-websocket-version"] == b"13"
        and KEY.fullmatch(named[b"sec-websocket-key"]) is not None
        and SUBPROTOCOLS.fullmatch(named.get(b"sec-websocket-protocol", b"none")) is not None
    )


# Few kinds of clients make few offers.
@lru_cache(maxsize=64)
def agree_on_compression(offer: bytes) -> str:
    """
    Return what is agreed upon with a client that makes this *offer* of extensions; empty for no compression.

    Raises:
        InvalidHandshake: when the offer cannot be read.
    """
    if not offer:
        return ""
    agreed, extensions = CHECKS.process_extensions(Headers({"Sec-WebSocket-Extensions": offer.decode("latin-1")}))
    # A client that reads only a smaller window than the one we compress with gets everything as it is.
    fits = all(cast("PerMessageDeflate", extension).local_max_window_bits == MAX_WBITS for extension in extensions)
    return agreed if agreed and fits else ""


def parse_request(head: bytes) -> Request | None:
    """Return the request in *head*, of any kind; None when it is not a whole one, or not one of a handshake."""
    reader = StreamReader()
    reader.feed_data(head)
    try:
        next(Request.parse(reader.read_line))
    except StopIteration as parsed:
        return cast("Request", parsed.value)
    except (ValueError, NotImplementedError, InvalidHandshake):
        return None
    return None


def check_request(request: Request) -> Handshake:
    """
    Return the handshake that *request* is.

    Raises:
        InvalidHandshake: when it is not a valid one.
    """
    key, _, _ = CHECKS.process_request(request)
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers.raw_items()]
    offer = ",".join(request.headers.get_all("Sec-WebSocket-Extensions")).encode("latin-1")
    return Handshake(request.path, headers, key, agree_on_compression(offer))
