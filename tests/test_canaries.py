"""The watch over secrets can fail: each way in which one can show is tried in a run of its own."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = """
import logging
import subprocess

from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import path

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3OTU1NzQyMjl9.vLgXX5X8GfOF0OafpH7mPqxUUrQpjixW0mTVUMRvPpU"
urlpatterns = [
    path("body", lambda request: HttpResponse(settings.COINGECKO_API_KEY, status=500)),
    path("header", lambda request: HttpResponse(headers={"X-Key": settings.RATES_JWT_KEY})),
]


def test_leak_logged():
    logging.getLogger("rates").warning("connecting to %s", settings.REDIS_URL)


def test_leak_logged_token():
    logging.getLogger("rates").info("token %s refused", TOKEN)


def test_leak_printed():
    print("part of it:", settings.SECRET_KEY[:20])


def test_leak_said_by_a_process():
    subprocess.run(["sh", "-c", "echo $REDIS_PASSWORD >&2"])


def test_leak_answered(settings):
    settings.ROOT_URLCONF = __name__
    Client().get("/body")


def test_leak_answered_in_a_header(settings):
    settings.ROOT_URLCONF = __name__
    Client().get("/header")


def test_clean():
    print(settings.REDIS_CHANNEL)
    assert Client().get("/nothing").status_code == 404
"""


def test_whatever_shows_a_secret_fails(tmp_path: Path) -> None:
    path = tmp_path / "test_leaks.py"
    path.write_text(RUN)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.canaries", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT,
         "-p", "no:cacheprovider", "-q", path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    failed = set(re.findall(r"^ERROR ::(\w+) - a secret shows", done.stdout, re.M))
    assert failed == set(re.findall(r"def (test_leak\w+)", RUN)), done.stdout + done.stderr
    assert "7 passed, 6 errors" in done.stdout
