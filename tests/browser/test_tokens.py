"""The dashboard where sockets and API need a token: the page gets its own."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.browser.site import Site, run_site

KEY = 48 * "k"
expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture(scope="module")
def site(browser: Any, database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    closed = {"RATES_WS_AUTH": "jwt", "RATES_API_AUTH": "jwt", "RATES_JWT_KEY": KEY}
    token = jwt.encode({"exp": time.time() + 3600}, KEY)
    with run_site(tmp_path_factory.mktemp("site"), database, SITE_TOKEN=token, **closed) as running:
        yield running


def test_the_page_is_live_with_a_token_of_its_own(open_page: Any) -> None:
    page = open_page("/")
    expect(page.locator("body")).to_have_attribute("data-token-url", "/api/socket-token")
    expect(page.locator("#status")).to_contain_text("Live")


def test_a_page_reads_the_api_with_that_token(open_page: Any, site: Site) -> None:
    page = open_page("/coins/BTC/", goto=False)
    assert page.request.get("/api/rates/BTC/history").status == 401
    with page.expect_response(lambda answer: "/api/rates/BTC/" in answer.url) as asked:
        page.goto("/coins/BTC/")
    assert asked.value.status == 200
    assert asked.value.request.headers["authorization"].startswith("Bearer ")
