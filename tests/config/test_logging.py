"""Logs and error pages: what they look like, and that secrets are blanked."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.http import HttpRequest
from django.test import Client
from django.urls import path

from config.logging import ConsoleFormatter, JsonFormatter
from config.masking import passwords_in
from tests.canaries import find_leaks
from tests.environment import MARK

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3OTU1NzQyMjl9.vLgXX5X8GfOF0OafpH7mPqxUUrQpjixW0mTVUMRvPpU"


def record(message: str, *args: object) -> logging.LogRecord:
    try:
        raise ValueError(message % args)
    except ValueError:
        return logging.LogRecord("rates.feed", logging.ERROR, __file__, 1, message, args, sys.exc_info())


@pytest.mark.parametrize("formatter", [ConsoleFormatter, JsonFormatter])
@pytest.mark.parametrize(
    "secret",
    [
        "password-of-ours",
        "with space/and@signs",
        "with%20space%2Fand%40signs",
        TOKEN,
        "redis://user:short@redis:6379/0",
    ],
)
def test_secrets_are_blanked_in_message_and_traceback(formatter: type, secret: str) -> None:
    known = ["password-of-ours", "with space/and@signs"]
    line = formatter(known).format(record("cannot use %s here", secret))
    assert "***" in line
    assert secret not in line
    assert "short" not in line


@pytest.mark.parametrize(
    "text",
    [
        "/api/v3/ping?x_cg_demo_api_key=CG-of-somebody&ids=bitcoin",
        "x-cg-pro-api-key: CG-of-somebody",
        "{'X_CG_PRO_API_KEY': 'CG-of-somebody'}",
        "x_cg_pro_api_key%3DCG-of-somebody",
    ],
)
def test_keys_of_clients_are_blanked(text: str) -> None:
    line = ConsoleFormatter([]).format(record("%s failed", text))
    assert "***" in line
    assert "somebody" not in line


def test_passwords_are_found_wherever_an_address_has_them() -> None:
    address = "sentinel://rates:one%2Fword@a:26379,b:26379/mymaster/0?sentinel_password=two%20words&ssl_ca_certs=/ca"
    assert passwords_in(address) == ["one/word", "two words"]
    assert not any(passwords_in("redis://localhost:6379/0"))


def test_a_json_line_is_one_object_with_its_traceback() -> None:
    line = JsonFormatter([]).format(record("two\nlines of %s", "words"))
    assert "\n" not in line
    parsed = json.loads(line)
    assert (parsed["level"], parsed["logger"], parsed["message"]) == ("ERROR", "rates.feed", "two\nlines of words")
    assert "ValueError: two" in parsed["traceback"]
    assert parsed["time"].endswith("+00:00")


@pytest.mark.parametrize("style", ["json", "console"])
def test_warnings_and_what_nobody_catches_are_logged_too(style: str) -> None:
    code = (
        "import os, threading, warnings; import django; django.setup();"
        "from django.conf import settings;"
        "warnings.warn('old ' + settings.REDIS_URL);"
        "thread = threading.Thread(target=lambda: int(settings.RATES_JWT_KEY)); thread.start(); thread.join();"
        "int(settings.COINGECKO_API_KEY)"
    )
    environment = os.environ | {"LOG_FORMAT": style, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-W", "always", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert find_leaks(done.stderr) == []
    assert done.stderr.count("ValueError was not caught") == 2
    if style == "json":
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert [line["logger"] for line in lines] == ["py.warnings", "config.logging", "config.logging"]
        assert all("invalid literal" in line["traceback"] for line in lines[1:])


@pytest.mark.parametrize("address", ["/fails", "/nowhere"])
def test_an_error_page_of_debug_shows_no_secret(address: str, settings) -> None:
    settings.DEBUG, settings.ROOT_URLCONF = True, __name__
    headers = {"Authorization": f"Bearer {TOKEN}", "Cookie": f"sessionid={MARK}"}
    page = Client(raise_request_exception=False).get(address, headers=headers).content.decode()
    assert address.strip("/") in page
    assert find_leaks(page) == []
    if address == "/fails":
        assert "no luck on /fails" in page
        assert "***@127.0.0.1" in page


def test_a_wrong_address_is_no_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert Client().get("/nowhere").status_code == 404
    assert caplog.text == ""


def fail(request: HttpRequest) -> None:
    raise RuntimeError(f"no luck on {request.path}")


urlpatterns = [path("fails", fail)]
