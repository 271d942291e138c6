"""What the documents give people to copy into a browser works there."""

import re
from typing import Any

from tests.docs.markdown import ROOT, code_blocks


def test_the_lines_for_a_browsers_console_print_prices(open_page: Any) -> None:
    page = open_page()
    (lines,) = code_blocks(ROOT / "README.md", "js")
    with page.expect_console_message(lambda message: re.match(r"BTC 63\d{3}\.\d+", message.text) is not None):
        page.evaluate(f"() => {{ {lines} }}")


def test_the_page_of_the_clients_prints_prices(open_page: Any, site: Any) -> None:
    """Served from the site itself, for another origin would have to be allowed."""
    (html,) = [block for block in code_blocks(ROOT / "docs/clients/README.md", "", "html") if "<script" in block]
    host = site.url.removeprefix("http://")
    html = html.replace("https://rates.example", site.url).replace("wss://rates.example", f"ws://{host}")
    # A page that no server has sent may not ask this machine without it.
    page = open_page(goto=False, permissions=["local-network-access"])
    page.route("**/copied", lambda route: route.fulfill(content_type="text/html", body=html))
    with page.expect_console_message(lambda message: message.text.startswith("BTC 63")):
        page.goto("/copied")
