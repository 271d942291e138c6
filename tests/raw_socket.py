"""A WebSocket client that may break every rule: it writes bytes and reads frames."""

import asyncio
import os
import struct
from dataclasses import dataclass
from typing import Self

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
HANDSHAKE = (
    "GET /ws/rates{query} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: rates.v1\r\n\r\n"
)


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """Return one frame as a client sends it; *reserved* are the three reserved bits."""
    head = bytes([final << 7 | reserved << 4 | opcode])
    size, mask_bit = len(payload), masked << 7
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 65536:
        head += struct.pack("!BH", mask_bit | 126, size)
    else:
        head += struct.pack("!BQ", mask_bit | 127, size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


@dataclass
class RawSocket:
    """An open connection to `/ws/rates`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, address: str, query: str = "") -> Self:
        """Shake hands with the server at *address*, ``host:port``."""
        host, port = address.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(HANDSHAKE.format(address=address, query=query).encode())
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        return cls(reader, writer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def read(self) -> tuple[int, bytes] | None:
        """Return opcode and payload of the next frame; None when the connection has ended."""
        try:
            async with asyncio.timeout(10):
                first, second = await self.reader.readexactly(2)
                size = second & 0x7F
                if size >= 126:
                    wide = await self.reader.readexactly(2 if size == 126 else 8)
                    size = int.from_bytes(wide, "big")
                return first & 0x0F, await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def read_until(self, opcode: int) -> bytes | None:
        """Return the payload of the next frame of a kind; None when the connection ends before."""
        while (got := await self.read()) is not None:
            if got[0] == opcode:
                return got[1]
        return None

    async def close_code(self) -> int | None:
        """Return the code of the server's close frame; None when the connection ends without one."""
        payload = await self.read_until(CLOSE)
        return None if payload is None else int.from_bytes(payload[:2], "big") if payload else 1005
