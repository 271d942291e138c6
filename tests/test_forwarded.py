"""Who a client is, whatever its proxy writes."""

import logging
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory

from rates import forwarded
from rates.forwarded import client_of_request, client_of_scope, is_secure
from rates.outage_log import OutageLog

PROXY = "10.0.0.9"


def scope(*lines: str, name: bytes = b"x-forwarded-for") -> dict[str, Any]:
    return {"headers": [(name, line.encode("latin-1")) for line in lines], "scheme": "ws", "client": (PROXY, 5)}


def request(*lines: str) -> HttpRequest:
    """Return what Django makes of such a request: it joins the lines."""
    headers = {"X-Forwarded-For": ",".join(lines)} if lines else {}
    return RequestFactory(REMOTE_ADDR=PROXY).get("/", headers=headers)


@pytest.mark.parametrize(
    ("lines", "network"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7:4000"], "203.0.113.7"),
        (["203.0.113.7:_hidden"], "203.0.113.7"),
        ([" 203.0.113.7\t"], "203.0.113.7"),
        (['"203.0.113.7:80"'], "203.0.113.7"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["::FFFF:cb00:7107"], "203.0.113.7"),
        (["[::ffff:203.0.113.7]:443"], "203.0.113.7"),
        (["64:ff9b::203.0.113.7"], "203.0.113.7"),
        (["[64:FF9B::cb00:7107]:4000"], "203.0.113.7"),
        (["64:ff9b:1::cb00:7107"], "64:ff9b:1::/64"),
        (["6.6.6.6, 203.0.113.7"], "203.0.113.7"),
        (["6.6.6.6,203.0.113.7:1"], "203.0.113.7"),
        (["6.6.6.6", "203.0.113.7"], "203.0.113.7"),
        (["6.6.6.6, 7.7.7.7", "8.8.8.8, 203.0.113.7"], "203.0.113.7"),
        (["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        (["[2001:db8:1:2::9]"], "2001:db8:1:2::/64"),
        (["[2001:DB8:1:2::9]:4000"], "2001:db8:1:2::/64"),
        (['"[2001:db8:1:2::9]:4000"'], "2001:db8:1:2::/64"),
        (["2001:db8:1:2::9%eth0"], "2001:db8:1:2::/64"),
        (["[::1]:443"], "::1"),
        # What is not an address counts as the proxy's own.
        ([], PROXY),
        ([""], PROXY),
        (["203.0.113.7,"], PROXY),
        (["203.0.113.7", ""], PROXY),
        (["unknown"], PROXY),
        (["203.0.113.7, unknown"], PROXY),
        (["_SEVKISEK"], PROXY),
        (["203.0.113.7 8"], PROXY),
        (["203.0.113.007"], PROXY),
        (["203.0.113.7:80:90"], PROXY),
        (["203.0.113.300"], PROXY),
        (["3405803783"], PROXY),
        (["[203.0.113.7"], PROXY),
        (["²⁰³"], PROXY),
        (["for=203.0.113.7"], PROXY),
        (["x" * 10000], PROXY),
    ],
)
def test_pages_and_sockets_read_the_same_client(settings, lines: list[str], network: str) -> None:
    settings.TRUSTED_PROXY = True
    lines = [line.encode("utf-8").decode("latin-1") for line in lines]
    assert client_of_scope(scope(*lines)).network == network
    assert client_of_request(request(*lines)).network == network


def test_without_trust_no_header_counts(settings) -> None:
    settings.TRUSTED_PROXY = False
    for line in ("203.0.113.7", "unknown"):
        assert client_of_scope(scope(line)).network == PROXY
        assert client_of_request(request(line)).network == PROXY
    assert not is_secure(scope("https", name=b"x-forwarded-proto"))


@pytest.mark.parametrize(("peer", "network"), [("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8::5", "2001:db8::/64")])
def test_addresses_without_a_proxy_are_counted_in_the_same_way(peer: str, network: str) -> None:
    assert client_of_scope({"headers": [], "client": (peer, 5)}).network == network


def test_the_socket_of_a_unix_proxy_has_no_peer() -> None:
    assert client_of_scope({"headers": [], "client": None}) == ("", "")


@pytest.mark.parametrize(
    ("lines", "secure"),
    [
        (["https"], True),
        (["HTTPS"], True),
        (["HTTPS, http"], True),
        (["https", "http"], True),
        ([" https ,https"], True),
        (["wss"], True),
        (["http"], False),
        (["http, https"], False),
        (["http", "https"], False),
        ([""], False),
        ([",https"], False),
        (["httpsx"], False),
    ],
)
def test_pages_and_sockets_read_the_same_scheme(settings, lines: list[str], secure: bool) -> None:
    settings.TRUSTED_PROXY = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    assert is_secure(scope(*lines, name=b"x-forwarded-proto")) is secure
    page = Client().get("/static/no-such-file", headers={"X-Forwarded-Proto": ",".join(lines)})
    assert (page.status_code != 301) is secure


def test_people_who_are_sent_in_circles_lead_to_a_line(settings, caplog, monkeypatch) -> None:
    monkeypatch.setattr(forwarded, "_log", OutageLog(logging.getLogger("rates.forwarded")))
    settings.TRUSTED_PROXY = settings.SECURE_SSL_REDIRECT = True
    assert [Client().get("/").status_code for _ in range(3)] == [301] * 3
    assert caplog.text.count("X-Forwarded-Proto is missing") == 1
