"""
The engine's WebSocket addresses, with or without a slash at the end.

Tested in `tests/fanout/test_handshake.py`.
"""

from django.urls import re_path

from rates.fanout.consumers import RatesConsumer, refuse_unknown_path

websocket_urlpatterns = [
    re_path(r"^ws/rates/?$", RatesConsumer.as_asgi()),
    # Without it Channels raises an error, and every server logs a traceback.
    re_path(r"", refuse_unknown_path),  # type: ignore[arg-type] # Django expects a view, Channels an ASGI application
]
