"""A real browser; where there is none these tests are skipped with one line that says so."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.site import Site, make_database, run_site
from tests.databases import made_once

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHOSEN = os.environ.get("CHROMIUM_BIN")
CHROMIUM = CHOSEN or next(filter(None, map(shutil.which, NAMES)), None)
# The same engine without windows, which nobody sees here: half of the computing.
WITHOUT_WINDOWS = CHOSEN or shutil.which("chromium-headless-shell") or CHROMIUM
ARGS = [
    # Letters as wide as in a window.
    "--font-render-hinting=none",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium, for all files of a worker; no event loop of playwright may outlive them."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="browser tests need the package playwright")
    if not CHROMIUM:
        pytest.skip("browser tests need Chromium (apt install chromium, or set CHROMIUM_BIN)")
    # What is waited for is often a tick, a publication and a frame away.
    sync_api.expect.set_options(timeout=30_000)
    with sync_api.sync_playwright() as playwright:
        chromium = launch(playwright.chromium, WITHOUT_WINDOWS)
        yield chromium
        chromium.close()


def launch(chromium: Any, path: str | None, *args: str) -> Any:
    """Return a running Chromium that nobody sees."""
    return chromium.launch(executable_path=path, headless=True, args=[*ARGS, *args])


@pytest.fixture
def with_windows(browser: Any) -> Iterator[Any]:
    """A Chromium that has what surrounds a page too, such as notifications."""
    chromium = launch(browser.browser_type, CHROMIUM)
    yield chromium
    chromium.close()


@pytest.fixture
def interpreter(browser: Any) -> Iterator[Any]:
    """A Chromium that compiles no script: code would come into its heap whenever there is time to compile it."""
    flags = "--js-flags=--no-opt --no-maglev --no-sparkplug --no-lazy-feedback-allocation"
    chromium = launch(browser.browser_type, WITHOUT_WINDOWS, flags)
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every system starts from."""
    return made_once(tmp_path_factory, "site.sqlite3", make_database)


@pytest.fixture(scope="module")
def site(browser: Any, database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole system, running."""
    with run_site(tmp_path_factory.mktemp("site"), database) as running:
        yield running


@pytest.fixture
def open_page(browser: Any, site: Site) -> Iterator[Any]:
    """Return a function that opens an address; at the end no page may have had an error or a CSP violation."""
    contexts = []
    problems: list[str] = []

    def open_page(path: str = "/", *, goto: bool = True, chromium: Any = browser, **options: Any) -> Any:
        context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", "base_url": site.url} | options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"{path}: {error}"))
        page.on("console", lambda message: message.type == "error" and problems.append(f"{path}: {message.text}"))
        if goto:
            page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [problem for problem in problems if "ERR_" not in problem and "WebSocket" not in problem] == []
