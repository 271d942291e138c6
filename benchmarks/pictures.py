"""Take the README's screenshots again: `python -m benchmarks.pictures`, with Chromium; takes about a minute."""

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
# Seconds until the sparklines have all their points.
FILL = 55


def main() -> None:
    """Write the screenshots into docs/."""
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
        take_screenshot(browser, site.url, "light", "dashboard-light")
        take_screenshot(browser, site.url, "dark", "dashboard-dark")
        take_screenshot(browser, f"{site.url}/coins/btc/", "light", "coin", "#chart")
        browser.close()


def take_screenshot(browser: Any, url: str, scheme: str, name: str, hover_over: str = "") -> None:
    """Write a screenshot of a live page, with the pointer over one of its elements."""
    page = browser.new_context(viewport=WINDOW, color_scheme=scheme).new_page()
    page.goto(url)
    page.wait_for_selector("#status[data-state=live]")
    page.evaluate("document.fonts.ready")
    if hover_over:
        page.hover(hover_over)
    page.wait_for_selector("[data-flash]")
    page.screenshot(path=DOCS / f"{name}.png")
    page.context.close()


if __name__ == "__main__":
    main()
