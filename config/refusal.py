"""
How a start is refused: one line on stderr that says what is wrong, a JSON object with `LOG_FORMAT=json`.

It is a `SystemExit`, so no server, worker or command prints a traceback around it.
"""

import json
import os
from datetime import UTC, datetime
from typing import NoReturn


def refuse_start(message: str) -> NoReturn:
    """End this process with *message*, which shows no secret."""
    in_json = os.environ.get("LOG_FORMAT", "").strip() == "json"
    raise SystemExit(json_line("CRITICAL", "config", message) if in_json else message)


def json_line(level: str, logger: str, message: str, process: int | None = None, time: datetime | None = None) -> str:
    """Return what `LOG_FORMAT=json` makes of a line; process and time are those of now when they are not given."""
    return json.dumps(
        {
            "time": (time or datetime.now(UTC)).isoformat(timespec="milliseconds"),
            "level": level,
            "logger": logger,
            "message": message,
            "process": process or os.getpid(),
        },
        ensure_ascii=False,
    )
