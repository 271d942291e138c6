"""
The same rows as JSON or as CSV, for programs and for spreadsheets.

Tested in `tests/api/test_history.py`.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse

from rates.api.problems import Problem
from rates.spreadsheets import escape_cell
from rates.types import encode_json, time_text

Row = Mapping[str, Any]
FORMATS = ("json", "csv")
# The time in each minute of a day.
CLOCK = [f"T{minute // 60:02}:{minute % 60:02}:00.000Z" for minute in range(1440)]


def answer_rows(request: HttpRequest, body: Row, rows: Iterable[Row], fields: Sequence[str], name: str) -> HttpResponse:
    """Return *body* as JSON, or its *rows* as CSV where the client prefers that."""
    return csv_response(rows, fields, name) if wants_csv(request) else json_response(encode_json(body))


def wants_csv(request: HttpRequest) -> bool:
    """Return whether the client asks for CSV, by `format` or by its header."""
    chosen = request.GET.get("format")
    if chosen is not None:
        if chosen.lower() not in FORMATS:
            raise Problem(400, "bad_request", f"format: {chosen[:40]!r} is not one of {', '.join(FORMATS)}")
        return chosen.lower() == "csv"
    return request.get_preferred_type(["application/json", "text/csv"]) == "text/csv"


def json_response(text: str) -> HttpResponse:
    """Return JSON *text* as an answer."""
    return HttpResponse(text, content_type="application/json")


def csv_response(rows: Iterable[Row], fields: Sequence[str], name: str) -> HttpResponse:
    """Return *rows* as a file of that *name*, with a line of *fields* first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _write_cell(value) for name, value in row.items()} for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name.encode("ascii", "ignore").decode()}.csv"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _write_cell(value: Any) -> Any:
    """Return *value* with words as in JSON, because a spreadsheet knows `true`, and a list as its words; no formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(value) if isinstance(value, list) else value
    return escape_cell(text) if isinstance(text, str) else text


def write_time(seconds: float) -> str:
    """Return a Unix time as the API writes times."""
    return time_text(datetime.fromtimestamp(seconds, UTC))


def write_minute(seconds: int) -> str:
    """Return a Unix time that is a whole minute in the same form; there are thousands in an answer."""
    day, second = divmod(seconds, 86400)
    return _write_day(day) + CLOCK[second // 60]


@lru_cache(maxsize=4096)
def _write_day(day: int) -> str:
    return datetime.fromtimestamp(day * 86400, UTC).date().isoformat()
