"""The way to vendors through an HTTP proxy, and past it."""

import logging
import shutil
import socket
import ssl
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from rates.exceptions import SourceUnreachable
from rates.models import Coin
from rates.outbound.http import http_get
from rates.outbound.proxies import parse_endpoint, proxy_for
from rates.sources import binance as binance_source
from rates.sources import binance_stream, kraken_stream
from rates.sources import coingecko as coingecko_source
from rates.sources import kraken as kraken_source
from rates.sources.pacing import fingerprint
from tests.coins import pairs
from tests.nginx import make_certificate
from tests.outbound.scripted import answer, drip, head, keep_answering, read_request, scripted
from tests.ports import free_port
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.kraken import Kraken
from tests.stand_ins.proxy import FAULTS, ProxyStandIn, splice
from tests.streams.streaming import open_stream, prices, until

BITCOIN = Coin(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
PASSWORD = "p%C3%A4ss%3Aword-0123"
SECRET = b64encode("trader:päss:word-0123".encode()).decode()
VENDOR = "vendor.test"
# Seconds. The second is generous to a busy machine; what is cut off at the first would take minutes.
DEADLINE, LATEST = 0.4, 4.0
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")


@pytest.fixture
def proxy(settings: Settings) -> Iterator[ProxyStandIn]:
    """A proxy that the settings name, with a password."""
    with ProxyStandIn() as stand_in:
        settings.HTTP_PROXY = settings.HTTPS_PROXY = stand_in.url.replace("://", f"://trader:{PASSWORD}@")
        yield stand_in


@pytest.fixture
def chain(tmp_path: Path, settings: Settings) -> Path:
    """The certificate of the vendor, which is trusted."""
    path = make_certificate(tmp_path, VENDOR)
    settings.REQUESTS_CA_BUNDLE = str(path)
    return path


def get(url: str, seconds: float = 5) -> bytes:
    return http_get(url, {"X-Key": "key"}, time.monotonic() + seconds, 1000).body


def test_http_is_asked_of_the_proxy_by_its_whole_address(
    proxy: ProxyStandIn, coingecko: CoinGecko, settings: Settings
) -> None:
    proxy.routes[VENDOR] = coingecko.port
    settings.COINGECKO_API_URL = f"http://{VENDOR}/api/v3/simple/price"
    for _ in range(2):
        rates = coingecko_source.fetch_rates([BITCOIN], 5)
    assert rates[0].price == Decimal("63250.12")
    assert [request.partition("?")[0] for request in proxy.asked] == 2 * [f"GET http://{VENDOR}/api/v3/simple/price"]
    assert proxy.requests[0].headers["proxy-authorization"] == f"Basic {SECRET}"
    assert "proxy-authorization" not in coingecko.requests[0].headers


@needs_openssl
def test_https_goes_through_a_tunnel(proxy: ProxyStandIn, chain: Path) -> None:
    heads: list[str] = []

    def behave(connection: socket.socket, _: int) -> None:
        while request := read_request(connection):
            heads.append(request)
            answer(connection)

    with scripted(behave, chain) as server:
        proxy.routes[VENDOR] = server.port
        assert [get(f"https://{VENDOR}/prices") for _ in range(2)] == [b"{}", b"{}"]
    assert proxy.asked == [f"CONNECT {VENDOR}:443"]
    assert proxy.requests[0].headers["proxy-authorization"] == f"Basic {SECRET}"
    assert len(heads) == 2
    assert heads[0].startswith("GET /prices ")
    assert "proxy-authorization" not in heads[0].lower()


def test_sessions_go_through_a_tunnel(
    proxy: ProxyStandIn, binance: Binance, kraken: Kraken, settings: Settings
) -> None:
    proxy.routes |= {"binance.test": binance.port, "kraken.test": kraken.port}
    settings.BINANCE_WS_API_URL, settings.KRAKEN_WS_URL = "ws://binance.test:9443/ws-api/v3", "ws://kraken.test/v2"
    assert binance_source.fetch_rates([BITCOIN], 5)[0].price == Decimal("63250.12")
    assert Decimal("63250.12") in {rate.price for rate in kraken_source.fetch_rates([BITCOIN], 5)}
    assert proxy.asked == ["CONNECT binance.test:9443", "CONNECT kraken.test:80"]


async def test_streams_go_through_a_tunnel(
    proxy: ProxyStandIn, binance: Binance, kraken: Kraken, settings: Settings
) -> None:
    proxy.routes |= {"binance.test": binance.port, "kraken.test": kraken.port}
    settings.BINANCE_STREAM_URL, settings.KRAKEN_WS_URL = "ws://binance.test", "ws://kraken.test/v2"
    for source in (binance_stream, kraken_stream):
        async with open_stream(source, [BITCOIN]) as stream:
            await until(lambda stream=stream: "BTC" in prices(stream))
    assert proxy.asked == ["CONNECT binance.test:80", "CONNECT kraken.test:80"]


@contextmanager
def tls_in_front(port: int, chain: Path) -> Iterator[int]:
    """End TLS in front of the server on *port*; the value is the port in front."""

    def behave(connection: socket.socket, _: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as far:
            splice(connection, far)

    with scripted(behave, chain) as front:
        yield front.port


@needs_openssl
async def test_sessions_and_streams_with_tls_go_through_a_tunnel_and_trust_the_bundle(
    proxy: ProxyStandIn, chain: Path, binance: Binance, settings: Settings
) -> None:
    settings.BINANCE_STREAM_URL = f"wss://{VENDOR}"
    settings.BINANCE_WS_API_URL = f"wss://{VENDOR}/ws-api/v3"
    with tls_in_front(binance.port, chain) as proxy.routes[VENDOR]:
        assert binance_source.fetch_rates([BITCOIN], 5)[0].price == Decimal("63250.12")
        async with open_stream(binance_stream, [BITCOIN]) as stream:
            await until(lambda: "BTC" in prices(stream))
    assert proxy.asked == 2 * [f"CONNECT {VENDOR}:443"]


@needs_openssl
def test_bundle_may_be_a_folder_and_is_trusted_alone(chain: Path, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "trusted"
    folder.mkdir()
    shutil.copy(chain, folder / "authority.pem")
    subprocess.run(["openssl", "rehash", folder], check=True)
    with scripted(keep_answering, chain) as server:
        url = f"https://127.0.0.1:{server.port}/"
        settings.REQUESTS_CA_BUNDLE = str(folder)
        assert get(url) == b"{}"
        settings.REQUESTS_CA_BUNDLE = ""
        with pytest.raises(ssl.SSLCertVerificationError):
            get(url)


async def test_this_machine_is_never_reached_through_a_proxy(
    proxy: ProxyStandIn, coingecko: CoinGecko, binance: Binance
) -> None:
    assert coingecko_source.fetch_rates([BITCOIN], 5)
    assert binance_source.fetch_rates([BITCOIN], 5)
    async with open_stream(binance_stream, [BITCOIN]) as stream:
        await until(lambda: "BTC" in prices(stream))
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("url", "exempt", "direct"),
    [
        ("https://api.coingecko.com/", "", False),
        ("https://api.coingecko.com/", "*", True),
        ("https://api.coingecko.com/", "coingecko.com", True),
        ("https://api.coingecko.com/", ".coingecko.com", True),
        ("https://api.coingecko.com/", "*.coingecko.com", True),
        ("https://api.coingecko.com/", "API.CoinGecko.com", True),
        ("https://API.coingecko.com./", "api.coingecko.com", True),
        ("https://api.coingecko.com/", "gecko.com", False),
        ("https://api.coingecko.com/", "api.coingecko.com:443", True),
        ("https://api.coingecko.com/", "api.coingecko.com:8443", False),
        ("wss://ws.kraken.com:9443/v2", "kraken.com:9443", True),
        ("wss://ws.kraken.com/v2", "localhost,10.0.0.0/8", False),
        ("http://10.1.2.3/", "10.0.0.0/8", True),
        ("http://10.1.2.3/", "10.1.2.3", True),
        ("http://11.1.2.3/", "10.0.0.0/8", False),
        ("http://[2001:db8::1]/", "2001:db8::/32", True),
        ("http://[2001:db8::1]/", "10.0.0.0/8", False),
        ("http://127.0.0.1:8000/", "", True),
        ("http://127.1.2.3/", "", True),
        ("ws://localhost:8000/", "", True),
        ("ws://prices.localhost/", "", True),
        ("wss://[::1]/", "", True),
        ("wss://[::ffff:127.0.0.1]/", "", True),
        ("wss://localhost.example.com/", "", False),
    ],
)
def test_what_is_reached_directly(settings: Settings, url: str, exempt: str, direct: bool) -> None:
    settings.HTTP_PROXY = settings.HTTPS_PROXY = "http://proxy:3128"
    settings.NO_PROXY = exempt.split(",")
    assert (proxy_for(parse_endpoint(url)) is None) == direct


@pytest.mark.parametrize(("scheme", "port"), [("http", 1), ("ws", 1), ("https", 2), ("wss", 2)])
def test_each_scheme_has_its_proxy(settings: Settings, scheme: str, port: int) -> None:
    settings.HTTP_PROXY, settings.HTTPS_PROXY = "http://proxy:1", "http://proxy:2"
    proxy = proxy_for(parse_endpoint(f"{scheme}://{VENDOR}/"))
    assert proxy is not None
    assert proxy.port == port


def test_proxy_is_part_of_the_configuration_whose_pauses_are_kept(settings: Settings) -> None:
    before = fingerprint(f"https://{VENDOR}/", "key")
    settings.HTTPS_PROXY = "http://proxy:3128"
    assert fingerprint(f"https://{VENDOR}/", "key") != before
    settings.NO_PROXY = [VENDOR]
    assert fingerprint(f"https://{VENDOR}/", "key") == before


SCHEMES = ("http", "https", "ws", "wss")
WORDS = {"403": "refuses to connect (403)", "502": "(502)", "407": "requires a valid user and password (407)"}
# Not with those that a proxy which passes a request on cannot be told from the vendor by.
FAILURES = [(s, f) for s in SCHEMES for f in sorted(FAULTS) if s != "http" or f not in ("403", "502")]


def ask(settings: Settings, scheme: str, seconds: float) -> object:
    """Ask a vendor that is reached by this scheme."""
    settings.COINGECKO_API_URL = settings.BINANCE_WS_API_URL = f"{scheme}://{VENDOR}/"
    source = coingecko_source if scheme.startswith("http") else binance_source
    return source.fetch_rates([BITCOIN], seconds)


@pytest.mark.parametrize(("scheme", "fault"), FAILURES)
def test_proxy_that_fails_is_named_in_time_and_without_its_password(
    proxy: ProxyStandIn, scheme: str, fault: str, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy.fault, is_slow = fault, fault in ("hang", "slow")
    began = time.monotonic()
    with pytest.raises(SourceUnreachable) as caught:
        ask(settings, scheme, DEADLINE if is_slow else 5)
    assert time.monotonic() - began < LATEST
    said = str(caught.value)
    assert f"cannot be reached: the proxy {proxy.url}: " in said
    assert WORDS.get(fault, "no answer in time" if is_slow else "") in said
    assert said.count("\n") == 0
    assert len(proxy.asked) == 1 or is_slow
    shown = said + caplog.text + "".join(map(repr, chain_of(caught.value)))
    assert not any(secret in shown for secret in (PASSWORD, SECRET, "päss"))


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error* and all that a traceback would show of what was before."""
    while error:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("host", "words"), [("127.0.0.1", "Connection refused"), ("proxy.invalid", "")])
def test_proxy_that_is_not_there_is_named(settings: Settings, scheme: str, host: str, words: str) -> None:
    name = f"{host}:{free_port()}"
    settings.HTTP_PROXY = settings.HTTPS_PROXY = f"http://trader:{PASSWORD}@{name}"
    with pytest.raises(SourceUnreachable) as caught:
        ask(settings, scheme, 5)
    assert f"cannot be reached: the proxy http://{name}: {words}" in str(caught.value)


async def test_stream_names_the_proxy_that_refuses_and_waits(
    proxy: ProxyStandIn, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BINANCE_STREAM_URL, proxy.fault = f"wss://{VENDOR}", "407"
    async with open_stream(binance_stream, [BITCOIN]):
        await until(lambda: "next attempt" in caplog.text)
    assert f"the stream broke: the proxy {proxy.url}: it requires a valid user and password (407)" in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("scheme", SCHEMES)
def test_deadline_holds_through_a_proxy(proxy: ProxyStandIn, scheme: str, settings: Settings) -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        drip(connection, head("Content-Length: 90000") + b" " * 10_000)

    with scripted(behave) as server:
        proxy.routes[VENDOR] = server.port
        began = time.monotonic()
        with pytest.raises(SourceUnreachable, match="no answer in time"):
            ask(settings, scheme, DEADLINE)
        assert time.monotonic() - began < LATEST


def test_kept_connection_to_a_proxy_is_replaced_when_it_was_closed(proxy: ProxyStandIn) -> None:
    def behave(connection: socket.socket, _: int) -> None:
        read_request(connection)
        answer(connection)

    with scripted(behave) as server:
        proxy.routes[VENDOR] = server.port
        assert [get(f"http://{VENDOR}/") for _ in range(3)] == 3 * [b"{}"]
