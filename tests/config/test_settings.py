"""Settings: nonsense is refused with one line, and every setting is documented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config import environment

ROOT = Path(__file__).resolve().parents[2]
NONSENSE = [
    ("RATES_REFRESH_INTERVAL", "fast"), ("RATES_REFRESH_INTERVAL", "0"), ("RATES_REFRESH_INTERVAL", "-1"),
    ("RATES_REFRESH_INTERVAL", "nan"), ("RATES_STALE_AFTER", "inf"), ("RATES_HISTORY_LENGTH", "1.5"),
    ("RATES_SOURCES", "coinbase"), ("RATES_SOURCES", "simulated,coingecko"), ("RATES_STREAM", "off,kraken"),
    ("COINGECKO_API_URL", "ftp://example.com"), ("COINGECKO_PLAN", "gold"), ("COINGECKO_MONTHLY_CREDITS", "-5"),
    ("BINANCE_STREAM_URL", "https://example.com"), ("REDIS_PORT", "99999"), ("REDIS_URL", "http://localhost"),
    ("RATES_WS_AUTH", "basic"), ("RATES_JWT_ALGORITHM", "none"), ("RATES_MAX_CONNECTIONS", "0"), ("DEBUG", "perhaps"),
    ("WEB_CONCURRENCY", "0"), ("PORT", "0"), ("LOG_LEVEL", "LOUD"), ("LOG_FORMAT", "xml"),
    ("SUPPORTED_COINS", "Bit coin"),
    ("RATES_AGREEMENT_PCT", "0"), ("RATES_MAX_JUMP_PCT", "-10"), ("RATES_ALLOWED_ORIGINS", "app.example.com"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), NONSENSE)
def test_nonsense_stops_the_start_with_one_line_that_names_it(name: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        env=os.environ | {name: value},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert name in done.stderr
    assert value in done.stderr
    assert "allowed" in done.stderr


def test_without_a_secret_production_does_not_start() -> None:
    environment = os.environ | {"SECRET_KEY": "", "DEBUG": "False"}
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)


def test_origins_are_read_as_browsers_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATES_ALLOWED_ORIGINS", "https://App.Example.com:443, http://localhost:3000/, https://a:8443")
    with pytest.raises(SystemExit, match="localhost:3000/"):
        environment.origins("RATES_ALLOWED_ORIGINS")
    monkeypatch.setenv("RATES_ALLOWED_ORIGINS", "https://App.Example.com:443, http://localhost:3000, https://a:8443")
    read = environment.origins("RATES_ALLOWED_ORIGINS")
    assert read == ["https://app.example.com", "http://localhost:3000", "https://a:8443"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("METRICS_TOKEN", "guess-me"),
        ("COINGECKO_API_KEY", "CG-guess-me\u200b"),
        ("COINGECKO_API_KEY", "CG-guess\n-me"),
        ("COINGECKO_API_KEY", "CG-guess-me '"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_without_being_shown(name: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        env=os.environ | {name: value}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)
    assert name in done.stderr
    assert "guess" not in done.stderr


def read_names() -> set[str]:
    """Return the variables that the settings read."""
    reader = r"\b(?:text|number|whole|switch|choice|words|origins|url|redis_url|database)\(\s*\"([A-Z_]+)\""
    return set(re.findall(reader, (ROOT / "config/settings.py").read_text()))


@pytest.mark.parametrize("path", [".env.example", "README.md"])
def test_every_setting_is_documented(path: str) -> None:
    text = (ROOT / path).read_text()
    assert not {name for name in read_names() if not re.search(rf"\b{name}\b", text)}
