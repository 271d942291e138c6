"""
Where requests go: the engine's WebSocket addresses, with or without a slash at the end, and what is before Django.

Tested in `tests/fanout/test_handshake.py` and `tests/gateway/test_gate.py`.
"""

import re

from django.urls import re_path

from rates.fanout.consumers import RatesConsumer, refuse_unknown_path
from rates.gateway import event_stream
from rates.gateway.gate import Gate, Tellers
from rates.gateway.replies import App

# Paths below `/api/` that depend on the board and the question alone, as `rates/gateway/prepared.py` says.
PREPARED = re.compile(r"/api/rates(/(?!at$)[^/]+)?")
# How errors are told below a path, where not as problems.
TELLERS: Tellers = {event_stream.PATH: event_stream.tell_refusal}


def open_gate(django: App) -> Gate:
    """Return the application that a server gets, with *django* behind it."""
    return Gate(event_stream.with_stream(django), PREPARED, TELLERS)


websocket_urlpatterns = [
    re_path(r"^ws/rates/?$", RatesConsumer.as_asgi()),
    # Without it Channels raises an error, and every server logs a traceback.
    re_path(r"", refuse_unknown_path),  # type: ignore[arg-type] # Django expects a view, Channels an ASGI application
]
