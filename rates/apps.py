"""
The rates application: the engine, without pages.

Tested in `tests/test_signals.py` and `tests/test_checks.py`.
"""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class RatesConfig(AppConfig):
    """Wire the engine's signals and checks."""

    name = "rates"
    verbose_name = gettext_lazy("Rates")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to edits of the coin list, and look for what cannot work."""
        from rates import checks, signals  # noqa: F401, PLC0415 - models can be imported only when the apps are loaded
