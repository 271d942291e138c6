"""
The HTTP API of the engine.

Tested in `tests/api/test_board.py`, `tests/api/test_currencies.py` and `tests/api/test_history.py`.
"""

from django.urls import path

from rates import logos
from rates.api import board, currencies, documents, history, views

urlpatterns = [
    path("api/openapi.json", documents.openapi, name="api-openapi"),
    path("api/asyncapi.json", documents.asyncapi, name="api-asyncapi"),
    path("api/rates", board.rates, name="api-rates"),
    path("api/rates/at", history.prices_at, name="api-prices-at"),
    path("api/rates/<str:symbol>", board.coin, name="api-coin"),
    path("api/rates/<str:symbol>/history", board.history, name="api-history"),
    path("api/rates/<str:symbol>/at", history.price_at, name="api-price-at"),
    path("api/rates/<str:symbol>/candles", history.candles, name="api-candles"),
    path("api/currencies", currencies.currencies, name="api-currencies"),
    path("api/convert", currencies.convert, name="api-convert"),
    path("api/stream", views.stream, name="api-stream"),
    path("api/socket-token", views.socket_token, name="socket-token"),
    path("logos/<str:name>", logos.show_logo, name="logo"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.show_metrics, name="metrics"),
]
