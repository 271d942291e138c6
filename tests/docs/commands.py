"""The commands that the documents tell people to type."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.docs.markdown import PRESENT, ROOT, code_blocks, code_spans

# What a command may begin with, after settings such as `PORT=8001` or `NAME=$(cat file)`.
SETTINGS = re.compile(r"^(?:[A-Z_]+=(?:\$\([^)]*\)|\S*) )*")
PROGRAMS = re.compile(
    r"make|python3?|\.venv/bin/python|manage\.py|curl|redis-cli|docker|openssl|certbot|cp|pg_dump|pg_restore"
    r"|celery|uvicorn|daphne|honcho|go|promtool|pip|npm|node"
)


class Command(NamedTuple):
    """One command, and the document that has it."""

    document: str
    line: str


def commands() -> list[Command]:
    """Return every command of the documents, in code blocks and in sentences."""
    found = [
        Command(str(document.relative_to(ROOT)), line)
        for document in PRESENT
        for text in [*code_blocks(document, "", "sh"), *code_spans(document)]
        for line in command_lines(text)
    ]
    return list(dict.fromkeys(found))


def command_lines(text: str) -> Iterator[str]:
    """Yield the commands in *text*; `a && b` is two of them, and a comment may be one."""
    for line in text.splitlines():
        command, _, comment = re.sub(r"\s+# ", "\0", line.strip()).partition("\0")
        yield from filter(is_command, [*command.split(" && "), comment])


def is_command(line: str) -> bool:
    """Return whether *line* is one of `PROGRAMS` with arguments; the name of a program alone is no command."""
    program, *arguments = SETTINGS.sub("", line).split() or [""]
    return bool(arguments) and PROGRAMS.fullmatch(program) is not None
