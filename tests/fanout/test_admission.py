"""Who may open a socket."""

import pytest

from rates.fanout.admission import Refusal, admit, check_origin, release


def scope(client: str = "10.0.0.1", **headers: str) -> dict[str, object]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"headers": pairs, "scheme": "ws", "client": (client, 5), "extensions": {}}


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
    headers = {b"host": host.encode()} | ({b"origin": origin.encode()} if origin is not None else {})
    if allowed:
        check_origin(headers, scheme)
    else:
        with pytest.raises(Refusal) as refused:
            check_origin(headers, scheme)
        assert refused.value.status == 403


def test_a_forwarded_scheme_counts_only_from_a_trusted_proxy(settings) -> None:
    headers = {b"host": b"rates.example", b"origin": b"https://rates.example", b"x-forwarded-proto": b"https"}
    with pytest.raises(Refusal):
        check_origin(headers, "ws")
    settings.TRUSTED_PROXY = True
    check_origin(headers, "ws")


def test_a_refused_origin_is_logged_once_a_minute(caplog) -> None:
    for _ in range(3):
        with pytest.raises(Refusal):
            check_origin({b"host": b"a", b"origin": b"http://logged.example"}, "ws")
    assert caplog.text.count("logged.example") == 1


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


def test_an_address_is_the_last_one_that_a_trusted_proxy_added(settings) -> None:
    forwarded = scope("10.0.0.9", x_forwarded_for="6.6.6.6, 192.0.2.7")
    address = admit(forwarded)
    release(address)
    assert address == "10.0.0.9"
    settings.TRUSTED_PROXY = True
    address = admit(forwarded)
    release(address)
    assert address == "192.0.2.7"
