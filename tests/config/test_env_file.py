"""The `.env` file: read as people mean it, or refused by file name and line number, and never shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment.env_file import read_env_file
from tests.config.keys import RSA_KEY

SECRET = "$2y$10$k3ep-this-0ut-of-sight"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("  NAME  =  value  ", "value"),
        ("export NAME=value", "value"),
        ("NAME=value # comment", "value"),
        ("NAME=value\t# comment", "value"),
        ("NAME= # comment", ""),
        ("NAME=", ""),
        ("NAME='value' # comment", "value"),
        ("NAME=val#ue", "val#ue"),
        ("NAME=#value", "#value"),
        ("NAME=a=b==", "a=b=="),
        ("NAME=host=db user=me", "host=db user=me"),
        ("NAME=value # once OTHER=2", "value"),
        ("NAME='value OTHER=2'", "value OTHER=2"),
        ("NAME=it's", "it's"),
        (f"NAME={SECRET}", SECRET),
        (f"NAME = '{SECRET}'", SECRET),
        (f'NAME="{SECRET}"', SECRET),
        ("NAME=${HOME}$HOME", "${HOME}$HOME"),
        ("NAME=pa\\ss\\$", "pa\\ss\\$"),
        ("NAME='pa\\ss # \"'", 'pa\\ss # "'),
        ('NAME="one\\ntwo"', "one\ntwo"),
        ("NAME=üñí", "üñí"),
    ],
)
def test_a_line_is_read_as_it_is_meant(file: Path, line: str, value: str) -> None:
    file.write_text(f"# comment\n\n{line}\nOTHER=1\n")
    assert read_env_file(file) == {"NAME": value, "OTHER": "1"}


@pytest.mark.parametrize(
    "line",
    [
        f"NAME {SECRET}",
        f"NAME: {SECRET}",
        f"NA ME={SECRET}",
        f"NA-ME={SECRET}",
        f'NAME="{SECRET}',
        f"NAME='{SECRET}' behind",
        f"NAME= #{SECRET}",
        f"NAME=value OTHER_NAME={SECRET}",
        f"NAME=value\u2028OTHER_NAME={SECRET}",
        f"={SECRET}",
        "NAME",
        f'NAME="{SECRET}\nOTHER=2\nMORE="',
        f"FIRST={SECRET}",
    ],
)
def test_a_line_that_cannot_be_read_is_refused_by_its_number_and_not_shown(file: Path, line: str) -> None:
    file.write_text(f"FIRST=1\n\n# comment\n{line}\nLAST=1\n")
    with pytest.raises(SystemExit) as refused:
        read_env_file(file)
    said = str(refused.value)
    assert f"{file} line 4 " in said
    assert SECRET not in said
    assert "\n" not in said


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_byte_order_mark_any_end_of_line_and_a_key_over_several_lines_do_no_harm(
    file: Path, quote: str, end: str, mark: str
) -> None:
    lines = ["FIRST=1", *f"NAME={quote}{RSA_KEY}{quote}".splitlines(), "LAST=1", ""]
    file.write_bytes((mark + end.join(lines)).encode())
    assert read_env_file(file) == {"FIRST": "1", "NAME": RSA_KEY, "LAST": "1"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_another_encoding_is_refused(file: Path, encoding: str) -> None:
    file.write_text(f"NAME=ü{SECRET}", encoding=encoding)
    with pytest.raises(SystemExit, match=r"\.env is not UTF-8"):
        read_env_file(file)


def test_a_file_that_is_there_and_cannot_be_read_is_refused(file: Path) -> None:
    assert read_env_file(file) == {}
    file.symlink_to("nowhere")
    with pytest.raises(SystemExit, match=r"\.env cannot be read: No such file"):
        read_env_file(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(SystemExit, match=r"\.env cannot be read: Is a directory"):
        read_env_file(file)


def test_settings_take_secrets_as_they_stand_and_the_environment_wins_unless_it_is_empty(checkout: Path) -> None:
    (checkout / ".env").write_text(
        f"METRICS_TOKEN = {SECRET} # for Prometheus\nRATES_WS_AUTH = jwt\nRATES_JWT_KEY = '{SECRET}{SECRET}'\n"
        "RATES_HISTORY_LENGTH=7\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", "import config.settings as s; print(s.METRICS_TOKEN, s.RATES_WS_AUTH, s.RATES_JWT_KEY,"
         " s.RATES_HISTORY_LENGTH, s.COINGECKO_API_KEY)"],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if name != "RATES_JWT_KEY"}
        | {"RATES_HISTORY_LENGTH": "9", "COINGECKO_API_KEY": "$HOME", "METRICS_TOKEN": ""},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.split() == [SECRET, "jwt", SECRET + SECRET, "9", "$HOME"]
