"""The README's pictures of the pages, taken anew: `python -m benchmarks.pictures`, with Chromium, about a minute."""

import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.page import DOCS
from tests.browser.conftest import ARGS, CHROMIUM
from tests.browser.site import run_site

COINS = {
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "SOL": "Solana",
    "XLM": "Stellar",
    "BNB": "BNB",
    "XRP": "XRP",
    "DOGE": "Dogecoin",
    "ADA": "Cardano",
    "LINK": "Chainlink",
    "LTC": "Litecoin",
    "SHIB": "Shiba Inu",
    "PEPE": "Pepe",
}
WINDOW = {"width": 1280, "height": 860}
# Seconds until the lines have all their points.
FILL = 55


def main() -> None:
    """Write the pictures into docs/."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        run_site(Path(folder), RATES_SOURCES="simulated", RATES_REFRESH_INTERVAL="1", LOG_LEVEL="WARNING") as site,
    ):
        site.edit(
            f"Coin.objects.all().delete()\nfor place, (symbol, name) in enumerate({COINS!r}.items()):\n"
            "    Coin.objects.create(symbol=symbol, name=name, coingecko_id=symbol.lower(), position=place)"
        )
        time.sleep(FILL)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        take(browser, site.url, "light", "dashboard-light")
        take(browser, site.url, "dark", "dashboard-dark")
        take(browser, f"{site.url}/coins/btc/", "light", "coin", "#chart")
        browser.close()


def take(browser: Any, url: str, scheme: str, name: str, pointed_at: str = "") -> None:
    """Write one picture of a live page, the pointer on one of its elements."""
    page = browser.new_context(viewport=WINDOW, color_scheme=scheme).new_page()
    page.goto(url)
    page.wait_for_selector("#status[data-state=live]")
    page.evaluate("document.fonts.ready")
    if pointed_at:
        page.hover(pointed_at)
    page.wait_for_selector("[data-flash]")
    page.screenshot(path=DOCS / f"{name}.png")
    page.context.close()


if __name__ == "__main__":
    main()
