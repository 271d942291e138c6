"""
The same rows as JSON or as CSV, for programs and for spreadsheets.

Tested in `tests/api/test_history.py`.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from rates.publication import encode_json
from rates.types import time_text

Row = Mapping[str, Any]


def answer_rows(request: HttpRequest, body: Row, rows: Iterable[Row], fields: Sequence[str], name: str) -> HttpResponse:
    """Return *body* as JSON, or its *rows* as CSV where the client prefers that."""
    if not _wants_csv(request):
        return HttpResponse(encode_json(body), content_type="application/json")
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    headers = {"Content-Disposition": f'attachment; filename="{name.encode("ascii", "ignore").decode()}.csv"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _wants_csv(request: HttpRequest) -> bool:
    chosen = request.GET.get("format")
    if chosen is not None:
        return chosen == "csv"
    return request.get_preferred_type(["application/json", "text/csv"]) == "text/csv"


def write_time(seconds: float) -> str:
    """Return a Unix time as the API writes times."""
    return time_text(datetime.fromtimestamp(seconds, UTC))
