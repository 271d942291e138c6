"""What others wrote is here unchanged: checksums beside it, licence beside it."""

from hashlib import sha256
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "dashboard" / "static" / "dashboard"
FOLDERS = [
    STATIC / "vendor" / "uPlot-1.6.32",
    STATIC / "fonts",
    Path(settings.BASE_DIR) / "tests" / "browser" / "vendor" / "axe-core-4.14.1",
]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_vendored_files_have_their_checksums_and_licence(folder: Path) -> None:
    sums = dict(reversed(line.split(maxsplit=1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert "LICENSE" in sums
    assert {name: sha256((folder / name).read_bytes()).hexdigest() for name in sums} == sums
