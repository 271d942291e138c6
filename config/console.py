"""
What is said outside the log: why a start is refused, and what was started. One line each on stderr, an object with
`LOG_FORMAT=json`.
"""

import json
import os
import sys
from datetime import UTC, datetime
from typing import NoReturn


def refuse_start(message: str) -> NoReturn:
    """
    End this process with *message*, which shows no secret.

    It is a `SystemExit`, so no server, worker or command prints a traceback around it.
    """
    raise SystemExit(_line("CRITICAL", message))


def tell(message: str) -> None:
    """Say *message* on stderr."""
    sys.stderr.write(_line("INFO", message) + "\n")


def in_json() -> bool:
    """Return whether lines are JSON; asked before settings are read, so other words are refused later."""
    return os.environ.get("LOG_FORMAT", "").strip() == "json"


def _line(level: str, message: str) -> str:
    return json_line(level, "config", message) if in_json() else message


def json_line(
    level: str, logger: str, message: str, process: int | None = None, time: datetime | None = None, **more: str
) -> str:
    """Return what `LOG_FORMAT=json` makes of a line; process and time are those of now when they are not given."""
    line = {
        "time": (time or datetime.now(UTC)).isoformat(timespec="milliseconds"),
        "level": level,
        "logger": logger,
        "message": message,
        "process": process or os.getpid(),
    }
    return json.dumps(line | more, ensure_ascii=False)
