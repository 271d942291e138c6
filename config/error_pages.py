"""What Django's error page of `DEBUG=True` shows of the settings; imported only when there is one to show."""

from typing import Any

from django.conf import settings
from django.views.debug import SafeExceptionReporterFilter

from config.masking import Masking


class SecretsFilter(SafeExceptionReporterFilter):
    """Blanks also the secrets that are part of other settings, such as addresses."""

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        """Return *value* as the page may show it; Django calls this for the parts of lists and mappings too."""
        cleansed = super().cleanse_setting(key, value)
        return Masking(settings.SECRETS)(cleansed) if isinstance(cleansed, str) else cleansed
