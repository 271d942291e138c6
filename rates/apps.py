"""The rates application: the engine, without pages."""

from django.apps import AppConfig


class RatesConfig(AppConfig):
    """Wire the engine's checks and signals."""

    name = "rates"
    default_auto_field = "django.db.models.BigAutoField"
