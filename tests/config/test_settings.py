"""Settings: nonsense is refused with one line, and every setting is documented."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.environment import addresses
from config.environment.env_file import read_env_file
from tests.config.keys import P256_KEY, P384_KEY, PRIVATE_RSA_KEY, RSA_KEY, SHORT_RSA_KEY

ROOT = Path(__file__).resolve().parents[2]
NONSENSE = [
    ("RATES_REFRESH_INTERVAL", "fast"), ("RATES_REFRESH_INTERVAL", "0"), ("RATES_REFRESH_INTERVAL", "-1"),
    ("RATES_REFRESH_INTERVAL", "nan"), ("RATES_STALE_AFTER", "inf"), ("RATES_HISTORY_LENGTH", "1.5"),
    ("RATES_SOURCES", "coinbase"), ("RATES_SOURCES", "simulated,coingecko"), ("RATES_STREAM", "off,kraken"),
    ("COINGECKO_API_URL", "ftp://example.com"), ("COINGECKO_PLAN", "gold"), ("COINGECKO_MONTHLY_CREDITS", "-5"),
    ("BINANCE_STREAM_URL", "https://example.com"), ("REDIS_PORT", "99999"), ("REDIS_URL", "http://localhost"),
    ("RATES_API_AUTH", "login"), ("RATES_PAGES_AUTH", "jwt"), ("RATES_API_RATE", "-1"), ("RATES_API_RATE", "many"),
    ("RATES_ALLOWED_ORIGINS", "**"),
    ("RATES_WS_AUTH", "basic"), ("RATES_JWT_ALGORITHM", "none"), ("RATES_MAX_CONNECTIONS", "0"), ("DEBUG", "perhaps"),
    ("WEB_CONCURRENCY", "0"), ("PORT", "0"), ("LOG_LEVEL", "LOUD"), ("LOG_FORMAT", "xml"),
    ("SUPPORTED_COINS", "Bit coin"), ("RATES_NAMESPACE", "a:b"),
    ("RATES_LAYER_URL", "http://x"), ("RATES_NAMESPACE", "x" * 41),
    ("RATES_AGREEMENT_PCT", "0"), ("RATES_MAX_JUMP_PCT", "-10"), ("RATES_ALLOWED_ORIGINS", "app.example.com"),
    ("ALLOWED_HOSTS", "https://rates.example.com"), ("ALLOWED_HOSTS", "rates.example.com:8000"),
    ("ALLOWED_HOSTS", "rates.example.com/prices"), ("ALLOWED_HOSTS", "::1"), ("ALLOWED_HOSTS", "*.example.com"),
    ("RATES_EMBED_ANCESTORS", "www.example.com;"), ("QUOTE_CURRENCY", "euro"), ("QUOTE_CURRENCY", "vef"),
    ("RATES_CURRENCIES", "usd,euro"), ("RATES_CURRENCIES", "vef"), ("RATES_CURRENCIES", ","),
    ("RATES_STALE_AFTER", "5"), ("RATES_STALE_AFTER", "4.5"), ("RATES_STALE_AFTER", "0"),
    ("DATABASE_URL", "sqlite:///:memory:"), ("DATABASE_URL", "mysql://localhost/rates"), ("DATABASE_URL", "rates"),
    ("DATABASE_URL", "postgres://localhost:99999/rates"), ("RATES_WS_AUTH", " "),
    ("HTTP_PROXY", "socks5://127.0.0.1:1080"), ("HTTPS_PROXY", "https://127.0.0.1:3128"), ("HTTPS_PROXY", "http://:3128"),
    ("HTTP_PROXY", "http://127.0.0.1:3128/prices"), ("HTTP_PROXY", "127.0.0.1:99999"), ("HTTP_PROXY", "http://[nowhere"),
    ("HOST", "*"), ("REDIS_HOST", "*"), ("RATES_ROOT_PATH", "prices"), ("RATES_ROOT_PATH", "/a;b"),
    ("RATES_ROOT_PATH", "//prices"), ("RATES_ROOT_PATH", "/../prices"), ("RATES_ROOT_PATH", "https://a/prices"),
    ("HOST", "http://localhost"), ("HOST", "localhost:8000"), ("REDIS_HOST", "redis://redis"),
    ("REDIS_HOST", "redis:6379"), ("REDIS_HOST", "redis/0"), ("REDIS_URL", "redis://redis/rates"),
    ("REDIS_URL", "sentinels://a,b"),
    ("REDIS_URL", "redis://redis 1/0"), ("COINGECKO_API_URL", "https://example.com or/v3"),
    ("RATES_ALLOWED_ORIGINS", "https://*.example.com"), ("RATES_EMBED_ANCESTORS", ","), ("RATES_SOURCES", ","),
    ("REQUESTS_CA_BUNDLE", "/no/such/file"), ("SSL_CERT_FILE", "/no/such/file"), ("SSL_CERT_FILE", "/etc/hostname"),
]  # fmt: skip


class Reader:
    """Reads the settings once more, in this very process and without effect on its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def read(self, **settings: str) -> dict[str, Any]:
        for name, value in settings.items():
            self.monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "config/settings.py"))

    def refusal(self, **settings: str) -> str:
        """Return the one line that refuses *settings*."""
        with pytest.raises(SystemExit) as refused:
            self.read(**settings)
        line = str(refused.value)
        assert "\n" not in line
        return line


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    return Reader(monkeypatch)


def test_a_protocol_that_would_not_reach_the_broker_is_refused(reader: Reader) -> None:
    assert "an address without protocol=" in reader.refusal(REDIS_URL="redis://x/0?protocol=2")


@pytest.mark.parametrize(("name", "value"), NONSENSE)
def test_nonsense_stops_the_start_with_one_line_that_names_it(reader: Reader, name: str, value: str) -> None:
    said = reader.refusal(**{name: value})
    assert name in said
    assert value in said
    assert "allowed" in said


def test_a_refusal_is_all_that_is_said() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=os.environ | {"PORT": "0"}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, len(done.stderr.strip().splitlines())) == (1, "", 1)


def test_without_a_secret_production_does_not_start(reader: Reader) -> None:
    assert "SECRET_KEY" in reader.refusal(SECRET_KEY="", DEBUG="False")


def test_a_price_may_be_as_old_as_its_stream_needs(reader: Reader) -> None:
    slow = {"RATES_STREAM_INTERVAL": "10", "RATES_STALE_AFTER": "20"}
    assert "a number above 20" in reader.refusal(**slow)
    assert reader.read(**slow, RATES_STREAM="off")["RATES_STALE_AFTER"] == 20


def test_a_refusal_is_json_where_the_log_is(reader: Reader) -> None:
    said = json.loads(reader.refusal(PORT="0", LOG_FORMAT="json"))
    assert (said["level"], "PORT=0 is not usable" in said["message"]) == ("CRITICAL", True)


def test_origins_are_read_as_browsers_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATES_ALLOWED_ORIGINS", "https://App.Example.com:443, http://localhost:3000/, https://a:8443")
    with pytest.raises(SystemExit, match="localhost:3000/"):
        addresses.origins("RATES_ALLOWED_ORIGINS")
    monkeypatch.setenv("RATES_ALLOWED_ORIGINS", "https://App.Example.com:443, http://localhost:3000, https://a:8443")
    read = addresses.origins("RATES_ALLOWED_ORIGINS")
    assert read == ["https://app.example.com", "http://localhost:3000", "https://a:8443"]


def test_any_origin_may_be_allowed_where_that_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATES_ALLOWED_ORIGINS", "*")
    assert addresses.origins("RATES_ALLOWED_ORIGINS", or_any=True) == ["*"]
    for value, name in (("*", ""), ("*,https://app.example.com", "or_any")):
        monkeypatch.setenv("RATES_ALLOWED_ORIGINS", value)
        with pytest.raises(SystemExit):
            addresses.origins("RATES_ALLOWED_ORIGINS", or_any=bool(name))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("METRICS_TOKEN", "guess-me"),
        ("COINGECKO_API_KEY", "CG-guess-me\u200b"),
        ("COINGECKO_API_KEY", "CG-guess\n-me"),
        ("COINGECKO_API_KEY", "CG-guess-me '"),
        ("RATES_JWT_KEY", "guess-me" * 3),
        ("DATABASE_URL", "host=db password=guess-me port=0"),
        ("DATABASE_URL", "mysql://rates:guess-me@db/rates"),
        ("DATABASE_URL", "postgres://db/rates?password=guess-me&nonsense=1"),
        ("DATABASE_URL", "postgres://rates:guess-me"),
        ("REDIS_URL", "http://:guess@-me@redis:6379"),
        ("REDIS_URL", "redis://:guess-me"),
        ("COINGECKO_API_URL", "ftp://example.com/?x_cg_demo_api_key=guess-me"),
        ("REDIS_URL", "redis://:guess-me@redis/0?nonsense=1"),
        ("REDIS_URL", "rediss://:guess-me@redis/0?ssl_cert_reqs=nonsense"),
        ("REDIS_URL", "sentinel://:guess-me@redis/mymaster?ssl_ca_certs=/etc/hosts"),
        ("REDIS_URL", "sentinels://:guess-me@redis/mymaster?nonsense=1"),
        ("REDIS_URL", "sentinels://:guess-me@redis/mymaster?ssl_cert_reqs=nonsense"),
        ("DATABASE_URL", "postgres://rates:guess-me@db/rates?sslmode=requird"),
        ("DATABASE_URL", "postgres://rates:guess-me@db/rates?conn_max_age=long"),
        ("RATES_ALLOWED_ORIGINS", "https://guess:me@example.com/"),
        ("RATES_ALLOWED_ORIGINS", "https://guess:me@example.com"),
        ("RATES_ALLOWED_ORIGINS", "https://example.com?guess-me"),
        ("RATES_EMBED_ANCESTORS", "https://guess:me@example.com"),
        ("RATES_EMBED_ANCESTORS", "none,https://example.com"),
        ("LOG_LEVEL", "INFO METRICS_TOKEN=guess-me"),
        ("QUOTE_CURRENCY", "usd;METRICS_TOKEN=guess-me"),
        ("HTTPS_PROXY", "socks5://guess:me@proxy:1080"),
        ("HTTP_PROXY", "guess:me@proxy:99999"),
        ("HTTP_PROXY", "http://guess:m/e@proxy:3128"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_without_being_shown(reader: Reader, name: str, value: str) -> None:
    said = reader.refusal(**{name: value})
    assert name in said
    assert "guess" not in said


@pytest.mark.parametrize(
    ("algorithm", "key", "wanted"),
    [
        ("HS256", 31 * "k", "32 bytes"),
        ("HS256", RSA_KEY, "no PEM text"),
        ("RS256", 64 * "k", "RSA public key"),
        ("RS256", P256_KEY, "RSA public key"),
        ("RS256", SHORT_RSA_KEY, "2048 bits"),
        ("RS256", PRIVATE_RSA_KEY, "public key"),
        ("ES256", RSA_KEY, "P-256"),
        ("ES256", P384_KEY, "P-256"),
    ],
)
def test_a_key_that_cannot_check_its_algorithm_is_refused(
    reader: Reader, algorithm: str, key: str, wanted: str
) -> None:
    said = reader.refusal(RATES_WS_AUTH="jwt", RATES_JWT_ALGORITHM=algorithm, RATES_JWT_KEY=key)
    assert wanted in said
    assert key[40:60] not in said or len(key) < 60


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA_KEY), ("ES256", P256_KEY), ("HS256", 32 * "k")])
def test_a_key_may_have_its_lines_joined(reader: Reader, algorithm: str, key: str) -> None:
    found = reader.read(RATES_JWT_ALGORITHM=algorithm, RATES_JWT_KEY=key.replace("\n", "\\n"))
    assert found["RATES_JWT_KEY"].strip() == key.strip()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RATE_SOURCES", "RATES_SOURCES"),
        ("RATES_REFRESH_INTERVALL", "RATES_REFRESH_INTERVAL"),
        ("RATES_JWT_SECRET", "RATES_JWT_"),
        ("METRIC_TOKEN", "METRICS_TOKEN"),
        ("rates_ws_auth", "RATES_WS_AUTH"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest_one(reader: Reader, name: str, meant: str) -> None:
    said = reader.refusal(**{name: "guess-me"})
    assert f"{name} is not a setting; did you mean {meant}" in said
    assert "guess" not in said


def test_in_the_file_a_misspelt_name_of_any_setting_is_refused(checkout: Path) -> None:
    for name, meant in (("DEBGU", "DEBUG"), ("DATABASE_URI", "DATABASE_URL"), ("JWT_KEY", "RATES_JWT_KEY")):
        (checkout / ".env").write_text(f"COMPOSE_PROJECT_NAME=rates\nTZ=UTC\n{name}=guess-me\n")
        command = [sys.executable, "-c", "import config.settings"]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
        assert f"{name} is not a setting; did you mean {meant}?" in done.stderr


def test_proxies_are_read_as_everywhere(reader: Reader) -> None:
    read = reader.read(
        HTTP_PROXY="proxy:3128", https_proxy="http://a:b%40c@lower:3128/", HTTPS_PROXY="http://upper", no_proxy="a, .b "
    )
    assert (read["HTTP_PROXY"], read["HTTPS_PROXY"]) == ("http://proxy:3128", "http://a:b%40c@lower:3128/")
    assert read["NO_PROXY"] == ["a", ".b"]
    assert "b@c" in read["SECRETS"]
    assert reader.read(https_proxy="")["HTTPS_PROXY"] == "http://upper"


def test_no_certificates_are_those_of_the_system(reader: Reader) -> None:
    """OpenSSL would look for a file without a name, instead of its own."""
    reader.read(SSL_CERT_FILE="")
    assert "SSL_CERT_FILE" not in os.environ


def test_variables_of_other_programs_are_left_alone(reader: Reader) -> None:
    others = ("REDIS_URI", "DATABASE_URI", "HOSTS", "RATES_SERVICE_HOST", "RATES_PORT_8000_TCP_ADDR", "RATES_VERSION")
    reader.read(**dict.fromkeys((*others, "FTP_PROXY"), "tcp://10.0.0.1:8000"))


READERS = (
    *("text", "number", "whole", "switch", "choice", "words", "currency", "origins", "hosts", "ancestors", "url"),
    *("redis_url", "database", "jwt_key", "coingecko_key", "proxy", "no_proxy", "certificates"),
)


def read_names() -> set[str]:
    """Return the variables that the settings read."""
    reader = rf"\b(?:{'|'.join(READERS)})\(\s*\"([A-Z_]+)\""
    return set(re.findall(reader, (ROOT / "config/settings.py").read_text()))


@pytest.mark.parametrize("path", [".env.example", "README.md"])
def test_every_setting_is_documented(path: str) -> None:
    text = (ROOT / path).read_text()
    assert not {name for name in read_names() if not re.search(rf"\b{name}\b", text)}


def test_the_example_can_be_copied_as_it_stands(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its values are the defaults."""
    example = read_env_file(ROOT / ".env.example")
    for name in example:
        monkeypatch.delenv(name, raising=False)
    found = [{n: v for n, v in reader.read(**values).items() if n.isupper()} for values in ({}, example)]
    differing = {name for name in found[0] if str(found[0][name]) != str(found[1][name])}
    assert differing <= {"LOGGING"}  # which has objects in it


def test_a_shared_secret_is_taken_literally(reader: Reader) -> None:
    secret = r"two signs are no new line: \n" + 32 * "k"
    assert reader.read(RATES_JWT_KEY=secret)["RATES_JWT_KEY"] == secret


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_hosts_are_known_with_and_without_brackets(reader: Reader, host: str) -> None:
    read = reader.read(HOST=host, REDIS_HOST=host, REDIS_URL="", REDIS_PASSWORD="")
    assert (read["HOST"], read["REDIS_URL"]) == ("::1", "redis://[::1]:6379/0")


def test_the_broker_uses_the_database_of_the_address(reader: Reader) -> None:
    assert reader.read(REDIS_URL="redis://redis?db=3")["CELERY_BROKER_URL"] == "redis://redis/3"
