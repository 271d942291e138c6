"""Static files with a hash in their names; the imports between our ES modules are rewritten too."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Django leaves module imports alone unless it is told; without it a browser would mix two releases."""

    support_js_module_import_aggregation = True
    # A name that was never collected is served as it is: tests and `make run` need no `collectstatic`.
    manifest_strict = False
