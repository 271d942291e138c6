"""
Where requests go: the engine's WebSocket addresses, with or without a slash at the end, and what is before Django.

Tested in `tests/fanout/test_handshake.py` and `tests/gateway/test_gate.py`.
"""

import re

from django.urls import re_path

from rates.api.origins import COMPATIBLE
from rates.api.problems import Problem
from rates.coingecko_api.replies import tell_error
from rates.fanout.consumers import RatesConsumer, refuse_unknown_path
from rates.gateway import event_stream
from rates.gateway.gate import Gate, Tellers
from rates.gateway.replies import App, HeaderMap, Reply, from_response

# Paths below `/api/` that depend on the board and the question alone, as `rates/gateway/prepared.py` says.
PREPARED = re.compile(
    r"/api/rates(/(?!at$)[^/]+)?|/api/currencies|/api/convert|/api/v3/(ping|simple/price|simple/supported_vs_currencies|exchange_rates)"
)


def tell_as_coingecko(problem: Problem, _headers: HeaderMap) -> Reply:
    """Return *problem* as CoinGecko's clients read errors."""
    return from_response(tell_error(problem.status, problem.detail, problem.headers or {}))


# How errors are told below a path, where not as problems.
TELLERS: Tellers = {event_stream.PATH: event_stream.tell_refusal, COMPATIBLE: tell_as_coingecko}


def open_gate(django: App) -> Gate:
    """Return the application that a server gets, with *django* behind it."""
    return Gate(event_stream.with_stream(django), PREPARED, TELLERS)


websocket_urlpatterns = [
    re_path(r"^ws/rates/?$", RatesConsumer.as_asgi()),
    # Without it Channels raises an error, and every server logs a traceback.
    re_path(r"", refuse_unknown_path),  # type: ignore[arg-type] # Django expects a view, Channels an ASGI application
]
