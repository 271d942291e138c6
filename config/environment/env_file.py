r"""
The `.env` file, read as people mean it; what cannot be read ends the start, and no line is dropped for a default.

python-dotenv finds names, values, comments and what stands in quotes. Values are literal: a `$` refers to nothing.

    NAME = value  # comment        blanks around `=` and a comment do no harm
    NAME=a#b'c                     neither a comment nor a quote
    NAME='$2y$10$…'                all as it stands
    NAME="-----BEGIN …             a PEM key may take several lines; in double quotes \n is a new line
"""

import os
import re
from io import StringIO
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from config.console import refuse_start

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
PEM = re.compile(r"-----BEGIN .*-----", re.DOTALL)
# A value that goes on like this without quotes has swallowed the next setting.
NEXT_SETTING = re.compile(r"\s[A-Z][A-Z0-9_]*=")
# A comment has a blank behind its sign; without it, this may be the beginning of a secret.
AMBIGUOUS = re.compile(r"=[^\S\n]+#\S")


def read_env_file(path: Path) -> dict[str, str]:
    """Return the values in the file at *path*, by name; none when there is no file."""
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for binding in parse_stream(StringIO(_read_text(path))):
        line = _line(binding)
        if binding.key is None and not binding.error:
            continue
        if fault := _fault(binding):
            _refuse(path, line, fault)
        name = str(binding.key)
        if name in values:
            _refuse(path, line, f"{name} stands in line {lines[name]} too")
        values[name], lines[name] = str(binding.value), line
    return values


def _read_text(path: Path) -> str:
    """Return the text, with one kind of ends of lines."""
    if not os.path.lexists(path):
        return ""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        refuse_start(f"{path} cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        refuse_start(f"{path} is not UTF-8 text; save it in that encoding.")
    return text


def _line(binding: Binding) -> int:
    """Return the number of the line where *binding* begins; the parser counts blank lines above it to it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _fault(binding: Binding) -> str | None:
    """Return why *binding* cannot be taken as it stands, or None."""
    if binding.error or binding.value is None or not NAME.fullmatch(str(binding.key)):
        return "it is not NAME=value, or a quote does not end where the value does"
    text = binding.original.string.strip()
    # Without this, a quote that was left open would swallow the settings up to the next one.
    if "\n" in text and not PEM.fullmatch(binding.value.strip()):
        return "only a PEM key may take several lines; is a quote left open"
    if not binding.value and AMBIGUOUS.search(text):
        return "a value that begins with # needs quotes, and a comment a blank behind its #"
    in_quotes = text.partition("=")[2].lstrip().startswith(("'", '"'))
    if not in_quotes and NEXT_SETTING.search(binding.value):
        return "a second NAME= follows the value; put it on a line of its own, or quotes around the value"
    return None


def _refuse(path: Path, line: int, fault: str) -> None:
    """Stop the start without showing the line, which may hold a secret."""
    refuse_start(f"{path} line {line} cannot be used: {fault} (the line is not shown).")
