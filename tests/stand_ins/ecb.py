"""A stand-in for the European Central Bank's daily file; faults are those below."""

import io
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import urlsplit

from tests.stand_ins.history import History
from tests.stand_ins.market import StandIn

PATH, WHOLE_PATH = "/stats/eurofxref/eurofxref-daily.xml", "/stats/eurofxref/eurofxref-hist.zip"
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
	<gesmes:subject>Reference rates</gesmes:subject>
	<gesmes:Sender>
		<gesmes:name>European Central Bank</gesmes:name>
	</gesmes:Sender>
	<Cube>
		<Cube time='{day}'>
{rows}		</Cube>
	</Cube>
</gesmes:Envelope>
"""
ROW = "\t\t\t<Cube currency='{code}' rate='{rate}'/>\n"
# As in the files of 90 days, which have another kind of quotes too.
DOCTYPE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
STATUSES = {"403": 403, "404": 404, "429": 429, "500": 500, "503": 503}


@dataclass
class CentralBank(StandIn):
    """
    Publishes what a euro is worth in other currencies.

    Attributes:
        day: which day the newest rates are of.
    """

    FAULTS: ClassVar[frozenset[str]] = StandIn.FAULTS | STATUSES.keys() | {
        "html", "truncated", "doctype", "big", "no_rates", "bad_number", "double_quotes",
    }  # fmt: skip

    day: date = field(default_factory=lambda: datetime.now(UTC).date())
    port: int = 0

    def __post_init__(self) -> None:
        self.history = History(self)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), type("Handler", (_Handler,), {"stand_in": self}))
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}{PATH}"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self) -> tuple[int, str]:
        """Return status and body of the next answer."""
        fault, text = self.take_fault(), self.file()
        bodies: Mapping[str, str] = {
            "html": "<!doctype html><p>Moved", "truncated": text[: len(text) // 2], "doctype": DOCTYPE,
            "big": text + " " * 200_000, "no_rates": HEAD.format(day=self.day, rows=""),
            "bad_number": text.replace("rate='", "rate='x"), "double_quotes": text.replace("'", '"'),
        }  # fmt: skip
        return STATUSES.get(fault, 200), bodies.get(fault, text)

    def file(self) -> str:
        """Return the file as it is without a fault of the transport."""
        rows = [ROW.format(code=code, rate=f"{rate:f}") for code, rate in self.rates().items()]
        return HEAD.format(day=self.day, rows="".join(rows))

    def rates(self) -> dict[str, Decimal]:
        """Return what a euro is worth."""
        worth = {"USD": Decimal(1), **{code: self.worth(code, self.fault) for code in self.currencies}}
        euro = worth.pop("EUR")
        assert euro is not None
        return {code: Context(prec=5).divide(each, euro) for code, each in worth.items() if each and code != "KWD"}

    def whole_file(self) -> bytes:
        """Return the packed table of all working days of two years and a half, newest first."""
        codes = [code for code in self.currencies if code not in ("EUR", "KWD")]
        lines = [",".join(["Date", "USD", *codes, ""])]
        for back in range(900):
            day = self.day - timedelta(days=back)
            if day.weekday() < 5:
                at = datetime(day.year, day.month, day.day, 13, 15, tzinfo=UTC).timestamp()
                euro = self.history.worth("EUR", at)
                rates = [Context(prec=5).divide(self.history.worth(code, at), euro) for code in ("USD", *codes)]
                lines.append(",".join([day.isoformat(), *(f"{rate:f}" for rate in rates), ""]))
        # One that did not exist yet.
        lines[-1] = ",".join([lines[-1].partition(",")[0], *["N/A"] * (1 + len(codes)), ""])
        table = "\n".join(lines) if self.fault != "html" else "<!doctype html><p>Moved"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("eurofxref-hist.csv", table)
        return packed.getvalue()[: 100 if self.fault == "truncated" else None]


class _Handler(BaseHTTPRequestHandler):
    stand_in: CentralBank
    timeout = 30

    def do_GET(self) -> None:
        """Answer, well or as the present fault has it."""
        url = urlsplit(self.path)
        if url.path == WHOLE_PATH:
            self.stand_in.history.asked.append(time.time())
            status, body = STATUSES.get(self.stand_in.fault, 200), self.stand_in.whole_file()
        else:
            status, text = (200, self.stand_in.control(url.query)) if url.path == "/control" else self._answer()
            body = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        if status in (429, 503):
            self.send_header("Retry-After", "60")
        self.end_headers()
        self.wfile.write(body)

    def _answer(self) -> tuple[int, str]:
        self.stand_in.calls += 1
        return self.stand_in.answer()

    def log_message(self, *args: object) -> None:
        """Be quiet."""
