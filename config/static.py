"""Static files in production: hashed names, compressed, and never a reason for an error page."""

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # WhiteNoise has no hints
    """Hashed names once `collectstatic` has run, and plain names before that."""

    # ES modules import each other by name; those names have to be hashed too.
    support_js_module_import_aggregation = True
    manifest_strict = False

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        """Return the hashed name; the plain one for a file that was not collected."""
        try:
            return str(super().hashed_name(name, content, filename))
        except ValueError:
            return name
