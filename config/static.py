"""Static files in production: hashed names, compressed, and never a reason for an error page."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # WhiteNoise has no hints
    """Hashed names of what `collectstatic` has hashed, and plain names of all else."""

    # ES modules import each other by name; those names have to be hashed too.
    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        """
        Return the hashed name; the plain one of a file that was not collected, or with `DEBUG`, which hashes none.

        Django would hash it here: a name under which there is no file.
        """
        return str(super().stored_name(name)) if self.hash_key(name) in self.hashed_files else name
