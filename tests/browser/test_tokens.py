"""The dashboard where sockets need a token: the page gets its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.site import Site, run_site

expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site"), RATES_WS_AUTH="jwt", RATES_JWT_KEY=48 * "k") as running:
        yield running


def test_the_page_is_live_with_a_token_of_its_own(open_page: Any) -> None:
    page = open_page("/")
    expect(page.locator("body")).to_have_attribute("data-token-url", "/api/socket-token")
    expect(page.locator("#status")).to_contain_text("Live")
