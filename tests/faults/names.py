"""A name server that knows one name, as Docker's does: the addresses of the service's containers."""

import socket
import threading
from typing import Self

TIME_TO_LIVE = 1


class NameServer:
    """Answers every question for an address with *addresses*, which may change; in a thread of its own."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, client = self._socket.recvfrom(512)
                self._socket.sendto(self.answer(question), client)
            except OSError:
                return

    def answer(self, question: bytes) -> bytes:
        """Return the reply (RFC 1035): the question, and one A record for each address."""
        end = question.index(b"\0", 12) + 5
        count = len(self.addresses).to_bytes(2, "big")
        head = question[:2] + b"\x81\x80\0\x01" + count + b"\0\0\0\0"
        records = b"".join(
            b"\xc0\x0c\0\x01\0\x01" + TIME_TO_LIVE.to_bytes(4, "big") + b"\0\x04" + socket.inet_aton(address)
            for address in self.addresses
        )
        return head + question[12:end] + records
