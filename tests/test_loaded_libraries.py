"""Which processes load the libraries that take megabytes and that few of them use."""

import os
import subprocess
import sys

import pytest

# What each process does at its start, after Django's own.
WEB = "import config.asgi, config.urls"
STREAMS = "import rates.streams.leader"
WORKER = "import rates.tasks; rates.tasks.prepare_to_fork()"
HEAVY = {"requests", "urllib3", "jwt", "cryptography.x509", "yaml", "PIL", "py_svg_hush", "psycopg", "celery.bin"}
# kombu loads it in any case.
OF_KOMBU = {"yaml"}


@pytest.mark.parametrize(
    ("start", "settings", "loaded"),
    [
        (WEB, {}, set()),
        (WEB, {"RATES_WS_AUTH": "jwt"}, {"jwt", "cryptography.x509"}),
        (WEB, {"RATES_API_AUTH": "jwt"}, {"jwt", "cryptography.x509"}),
        (STREAMS, {}, set()),
        (WORKER, {"RATES_SOURCES": "simulated"}, OF_KOMBU),
        (WORKER, {"RATES_SOURCES": "coingecko"}, {"requests", "urllib3"} | OF_KOMBU),
    ],
)
def test_a_process_loads_what_its_settings_need_at_its_start_and_no_more(
    start: str, settings: dict[str, str], loaded: set[str]
) -> None:
    code = f"import django, sys; django.setup(); {start}; print(*{HEAVY} & {{*sys.modules}})"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"} | settings
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert (run.returncode, set(run.stdout.split())) == (0, loaded), run.stderr
