"""The service at `/prices` of a host that has other pages too, behind nginx, for a real browser."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.site import STAFF, Site, run_site
from tests.browser.test_admin import LOGO
from tests.browser.values import await_value
from tests.config.test_containers import program
from tests.faults.names import NameServer
from tests.nginx import local_configuration, make_certificate
from tests.ports import await_listener, free_port

ROOT_PATH = "/prices"


@pytest.fixture(scope="module")
def site(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The system below a path."""
    own = {"ALLOWED_HOSTS": "localhost,127.0.0.1", "TRUSTED_PROXY": "True", "RATES_ROOT_PATH": ROOT_PATH}
    with run_site(tmp_path_factory.mktemp("root"), database, **own) as running:
        yield running


@pytest.fixture(params=[True, False], ids=["kept by the proxy", "stripped by the proxy"])
def address(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[str]:
    """Where the proxy serves; its file is that of `deploy/`."""
    make_certificate(tmp_path)
    with NameServer(["127.0.0.1"]) as names:
        https, web = free_port(), int(site.url.rsplit(":", 1)[1])
        path = local_configuration(tmp_path, http=free_port(), https=https, web=web, names=names.port)
        if not request.param:
            path.write_text(path.read_text().replace("set $web", f"rewrite ^{ROOT_PATH}(/.*) $1;\n        set $web"))
        nginx = subprocess.Popen([program("nginx"), "-c", path, "-e", tmp_path / "error.log", "-g", "daemon off;"])
        await_listener(https)
        yield f"https://127.0.0.1:{https}"
        nginx.terminate()
        nginx.wait()


@pytest.fixture
def visited(browser: Any, address: str) -> Iterator[Any]:
    """A page of a browser; every address that it asks for must be below the root path, and must be there."""
    with browser.new_context(base_url=address, ignore_https_errors=True, reduced_motion="reduce") as context:
        page = context.new_page()
        asked: list[str] = []
        failed: list[tuple[int, str]] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.on("response", lambda answer: answer.status >= 400 and failed.append((answer.status, answer.url)))
        yield page
        places = {urlsplit(url).path for url in asked if not url.startswith("data:")}
        assert f"{ROOT_PATH}/ws/rates" in places
        assert [place for place in places if not place.startswith(f"{ROOT_PATH}/")] == []
        assert failed == []


def test_pages_sockets_and_admin_work_below_a_path(visited: Any, address: str) -> None:
    """One test, because each start costs seconds."""
    page = visited
    with page.expect_websocket() as opened:
        page.goto(f"{ROOT_PATH}/")
    opened.value.wait_for_event("framereceived")
    for path in ("/api/rates", "/coins/BTC.svg", "/healthz", "/api/v3/ping"):
        assert page.request.get(f"{ROOT_PATH}{path}").status == 200
    assert page.request.get(f"{ROOT_PATH}/metrics").status == 404
    links = page.eval_on_selector_all("a[href], link[href], script[src]", "all => all.map(e => e.href || e.src)")
    assert [url for url in links if not url.startswith((f"{address}{ROOT_PATH}/", "data:"))] == []

    # Other pages, and what they remember: for this path only.
    page.goto(f"{ROOT_PATH}/embed/BTC/")
    page.goto(f"{ROOT_PATH}/coins/BTC/")
    page.evaluate(f"import('{ROOT_PATH}/static/dashboard/js/preferences.js').then(m => m.save('theme', 'dark'))")
    page.goto(f"{ROOT_PATH}/admin")
    page.fill("[name=username]", STAFF[0])
    page.fill("[name=password]", STAFF[1])
    page.click("[type=submit]")
    page.wait_for_url(f"**{ROOT_PATH}/admin/")
    page.goto(f"{ROOT_PATH}/admin/rates/coin/")
    assert page.locator("#result_list tbody tr").count() == 8
    page.get_by_role("link", name="BTC", exact=True).click()
    page.locator("#id_picture").set_input_files({"name": "btc.svg", "mimeType": "image/svg+xml", "buffer": LOGO})
    page.click("[name=_save]")
    page.goto(f"{ROOT_PATH}/coins/BTC/")
    await_value(page, "document.querySelector('.card .mark img')?.naturalWidth > 0", True)
    pictures = page.request.get(f"{ROOT_PATH}/api/v3/coins/bitcoin").json()["image"]
    assert page.request.get(pictures["large"]).headers["content-type"] == "image/svg+xml"
    paths = {cookie["name"]: cookie["path"] for cookie in page.context.cookies()}
    assert set(paths) == {"csrftoken", "sessionid", "theme"}
    assert set(paths.values()) == {ROOT_PATH}
