"""
What redis-py says about a Redis that cannot be used: which are the server's own words, what is in the way of reading
them, and what has to be done about them.

Tested in `tests/faults/test_refusals.py`.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from redis.exceptions import AuthenticationError, AuthorizationError, ResponseError

# What a server says, as opposed to what is said of one that cannot be reached.
REFUSALS = (ResponseError, AuthenticationError, AuthorizationError)
# How it tells which command of several was refused: with all that it wrote.
IN_PIPELINE = re.compile(r"Command # \d+ \((\w+).*?\) of pipeline caused error: ", re.DOTALL)
# What a server says of a command that it does not know, or that a user may not run: it names the command.
NAMED = re.compile(r"(unknown command|run the) '")
ARGUMENTS = re.compile(r", with args beginning with: .*", re.DOTALL)
# How our own client, and `shorten_command`, tell it.
COMMAND = re.compile(r"^[A-Z]+: ")
# Where in a script; Redis tells its number, Valkey does not.
IN_SCRIPT = re.compile(r"\.? script: ([0-9a-f]+, )?on @user_script:\d+\.?$")

# What a server answers that is too old, or whose HELLO is blocked.
NO_HELLO = re.compile(r"unknown command.*HELLO", re.IGNORECASE)
NEEDED = "Redis 6.2 or newer is needed, with HELLO allowed"
# How a server with TLS ends a connection without it, among other reasons; and how one without it does the opposite. It
# may also wait for the end of a line, and not answer.
CLOSED = re.compile(r"closed by server|reset by peer", re.IGNORECASE)
NO_TLS = re.compile(r"timeout|timed out|wrong.version|record layer|eof|closed by server|reset by peer", re.IGNORECASE)
# Seconds.
PROBE_TIMEOUT, PROBE_INTERVAL = 1.0, 60.0

# Address -> when it was asked, and whether it speaks the other way: an outage fails in the same words, many times.
_probed: dict[str, tuple[float, bool]] = {}


def shorten_command(words: str) -> str:
    """Return *words* with the refused command by its name alone, without all that it was sent with."""
    return ARGUMENTS.sub("", IN_PIPELINE.sub(r"\1: ", words))


def without_command(words: str) -> str:
    """Return *words* without what differs where the same thing is refused: the command, and a script's line."""
    return IN_SCRIPT.sub("", COMMAND.sub("", shorten_command(words)))


def find_refusal(error: BaseException) -> str:
    """Return the words with which a server refused, without the command; empty when *error* is another failure."""
    return without_command(str(error)) if isinstance(error, REFUSALS) else ""


def find_hint(words: str, url: str) -> str:
    """Return what the operator should do about *words* of the client of *url*; empty when that is not known."""
    if NO_HELLO.search(words):
        return NEEDED
    if url.startswith("redis://") and CLOSED.search(words) and _probe(url, _answers_tls):
        return "the server speaks TLS here: use rediss://"
    if url.startswith("rediss://") and NO_TLS.search(words) and _probe(url, _answers_plainly):
        return "the server speaks no TLS here: use redis://"
    return ""


def _probe(url: str, answers: Callable[[str, int], bool]) -> bool:
    """Return what *answers* says of the place in *url*, which is asked at most once a minute."""
    parts = urlsplit(url)
    asked_at, answer = _probed.get(url, (float("-inf"), False))
    if time.monotonic() - asked_at > PROBE_INTERVAL:
        answer = answers(parts.hostname or "localhost", parts.port or 6379)
        _probed[url] = time.monotonic(), answer
    return answer


def _answers_tls(host: str, port: int) -> bool:
    """Return whether a TLS handshake begins there; whose certificate it has does not matter."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), PROBE_TIMEOUT) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        # An alert, such as one about a certificate that we do not have, is TLS too.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def _answers_plainly(host: str, port: int) -> bool:
    """Return whether a PING is answered there, or refused."""
    try:
        with socket.create_connection((host, port), PROBE_TIMEOUT) as plain:
            plain.sendall(b"PING\r\n")
            return plain.recv(1) in (b"+", b"-")
    except OSError:
        return False
