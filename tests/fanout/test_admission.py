"""Who may open a socket."""

from typing import Any

import pytest

from rates.fanout.admission import Refusal, admit, check_origin, is_known_origin, release


def scope(client: str = "10.0.0.1", scheme: str = "ws", **headers: str) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"headers": pairs, "scheme": scheme, "client": (client, 5), "extensions": {}}


@pytest.mark.parametrize(
    ("scheme", "host", "origin", "allowed"),
    [
        ("ws", "rates.example", None, True),
        ("ws", "rates.example", "http://rates.example", True),
        ("ws", "Rates.Example", "HTTP://rates.example", True),
        ("ws", "rates.example:80", "http://rates.example", True),
        ("ws", "rates.example", "http://rates.example:80", True),
        ("ws", "rates.example:8000", "http://rates.example:8000", True),
        ("ws", "[::1]:8000", "http://[::1]:8000", True),
        ("wss", "rates.example", "https://rates.example", True),
        ("wss", "rates.example", "https://rates.example:443", True),
        ("ws", "rates.example", "https://partner.example", True),
        ("ws", "rates.example", "null", False),
        ("ws", "rates.example", "https://rates.example", False),
        ("wss", "rates.example", "http://rates.example", False),
        ("ws", "rates.example:8000", "http://rates.example", False),
        ("ws", "rates.example", "http://rates.example:8000", False),
        ("ws", "rates.example", "http://rates.example.evil.example", False),
        ("ws", "rates.example", "http://evil.example/rates.example", False),
        ("ws", "rates.example", "http://partner.example", False),
        ("ws", "rates.example", "https://partner.example:8443", False),
    ],
)
def test_origin(settings, scheme: str, host: str, origin: str | None, allowed: bool) -> None:
    settings.RATES_ALLOWED_ORIGINS = ["https://partner.example"]
    request = scope(scheme=scheme, host=host, **({} if origin is None else {"origin": origin}))
    if allowed:
        check_origin(request)
    else:
        with pytest.raises(Refusal) as refused:
            check_origin(request)
        assert refused.value.status == 403


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "https,http", "Https , http", "wss"])
def test_a_forwarded_scheme_counts_only_from_a_trusted_proxy(settings, scheme: str) -> None:
    request = scope(host="rates.example", origin="https://rates.example", x_forwarded_proto=scheme)
    with pytest.raises(Refusal):
        check_origin(request)
    settings.TRUSTED_PROXY = True
    check_origin(request)


def test_a_star_allows_any_origin_whose_cookies_do_not_count(settings) -> None:
    settings.RATES_ALLOWED_ORIGINS = ["*"]
    for origin, known in (("https://app.example.com", False), ("null", False), ("http://rates.example", True)):
        asked = {"headers": [(b"host", b"rates.example"), (b"origin", origin.encode())], "scheme": "ws"}
        check_origin(asked)
        assert is_known_origin(asked) == known


def test_a_refused_origin_is_logged_once_a_minute(caplog) -> None:
    for _ in range(3):
        with pytest.raises(Refusal):
            check_origin(scope(host="a", origin="http://logged.example"))
    assert caplog.text.count("logged.example") == 1


@pytest.mark.parametrize(
    ("trusted", "headers", "reason"),
    [
        (
            False,
            {"host": "a.example"},
            "(http://a.example as the request tells it: X-Forwarded-Proto is missing)",
        ),
        (
            True,
            {"host": "b.example"},
            "(http://b.example as the request tells it: X-Forwarded-Proto is missing)",
        ),
        (
            False,
            {"host": "c.example", "x_forwarded_proto": "https"},
            "(http://c.example as the request tells it: X-Forwarded-Proto counts with TRUSTED_PROXY=True only)",
        ),
        (True, {"x_forwarded_proto": "https"}, "(https:// as the request tells it: Host is missing)"),
        (True, {"host": "web:8000", "x_forwarded_proto": "https"}, "(https://web:8000 as the request tells it) and"),
    ],
)
def test_a_refused_origin_says_what_the_request_claims_and_what_is_missing(
    settings, caplog, trusted: bool, headers: dict[str, str], reason: str
) -> None:
    settings.TRUSTED_PROXY = trusted
    with pytest.raises(Refusal):
        check_origin(scope(origin="https://rates.example", **headers))
    assert reason in caplog.text


def test_a_process_accepts_a_limited_number_of_sockets(settings) -> None:
    settings.RATES_MAX_CONNECTIONS = 2
    addresses = [admit(scope("10.0.0.1")), admit(scope("10.0.0.2"))]
    with pytest.raises(Refusal) as refused:
        admit(scope("10.0.0.3"))
    assert (refused.value.status, refused.value.code) == (503, 1013)
    release(addresses.pop())
    addresses.append(admit(scope("10.0.0.3")))
    for address in addresses:
        release(address)


def test_an_address_may_open_a_limited_number_of_sockets(settings) -> None:
    settings.RATES_MAX_CONNECTIONS_PER_IP = 1
    addresses = [admit(scope("10.0.0.1"))]
    with pytest.raises(Refusal):
        admit(scope("10.0.0.1"))
    addresses.append(admit(scope("10.0.0.2")))
    for address in addresses:
        release(address)


def test_a_full_process_is_logged_once_a_minute(settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.RATES_MAX_CONNECTIONS = 0
    for _ in range(3):
        with pytest.raises(Refusal):
            admit(scope("10.0.0.4"))
    assert caplog.text.count("socket refused: 0 are open, RATES_MAX_CONNECTIONS") == 1


def test_sockets_of_one_client_are_counted_together_however_its_proxy_writes_the_address(settings) -> None:
    settings.TRUSTED_PROXY = True
    settings.RATES_MAX_CONNECTIONS_PER_IP = 1
    network = admit(scope("10.0.0.9", x_forwarded_for="192.0.2.7:4000"))
    for spelling in ("192.0.2.7", "6.6.6.6, 192.0.2.7:4001", "::ffff:192.0.2.7"):
        with pytest.raises(Refusal):
            admit(scope("10.0.0.9", x_forwarded_for=spelling))
    release(network)


@pytest.mark.parametrize(
    ("trusted", "headers", "hint"),
    [
        (False, {"x_forwarded_for": "192.0.2.7"}, "X-Forwarded-For, which counts with TRUSTED_PROXY=True only"),
        (True, {}, "TRUSTED_PROXY is on and X-Forwarded-For is missing"),
    ],
)
def test_a_limit_that_meets_the_proxy_itself_names_the_setting(
    settings, caplog, trusted: bool, headers: dict[str, str], hint: str
) -> None:
    settings.TRUSTED_PROXY = trusted
    settings.RATES_MAX_CONNECTIONS_PER_IP = 0
    with pytest.raises(Refusal):
        admit(scope("10.0.0.77", **headers))
    assert hint in caplog.text
