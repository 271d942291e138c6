"""The names of static files, whoever has collected them."""

from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from config.static import StaticStorage

PLAIN, HASHED = "django.contrib.staticfiles.storage.StaticFilesStorage", "config.static.StaticStorage"
SCRIPT = "dashboard/js/main.js"


@pytest.mark.parametrize("collected", [(), (PLAIN,), (HASHED,), (PLAIN, HASHED), (HASHED, PLAIN)])
def test_pages_name_files_that_exist_however_they_were_collected(
    collected: tuple[str, ...], settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_ROOT = tmp_path
    for backend in collected:
        settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
        call_command("collectstatic", interactive=False, verbosity=0)
    name = StaticStorage().url(SCRIPT).removeprefix(settings.STATIC_URL)
    assert (name != SCRIPT) == (HASHED in collected)
    # What was not collected comes from the application, under its plain name.
    assert (tmp_path / name).is_file() == bool(collected)
    assert name == SCRIPT or (tmp_path / f"{name}.gz").is_file()
