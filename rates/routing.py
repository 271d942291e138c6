"""The engine's WebSocket addresses."""

from django.urls import path

from rates.fanout.consumers import RatesConsumer

websocket_urlpatterns = [path("ws/rates", RatesConsumer.as_asgi())]
