"""The HTTP API of the engine."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
