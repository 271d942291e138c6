"""Take the README's screenshots again: `python -m benchmarks.pictures`, with Chromium; takes about a minute."""

import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.page import DOCS
from tests.browser.conftest import ARGS, CHROMIUM
from tests.browser.site import make_database, run_site

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
# A year of the same prices that are simulated from then on.
MAKE_HISTORY = f"""
import time
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle
from rates.history.series import Instrument
from rates.models import Series
from rates.sources.simulated import round_price, walk

def make(symbol, interval, count):
    for number in range(now // interval - count, now // interval):
        prices = [round_price(walk(symbol, interval * (number + part / 12))) for part in range(13)]
        yield Candle(number * interval, prices[0], max(prices), min(prices), prices[-1], 60, "simulated", False)

now = int(time.time())
for symbol in {list(COINS)!r}:
    for interval, count in ((MINUTE, 1500), (HOUR, 40 * 24), (DAY, 365)):
        archive.write_candles(interval, {{Instrument(symbol.lower(), "usd"): list(make(symbol, interval, count))}})
Series.objects.filter(interval=MINUTE).update(merged_until=now // HOUR * HOUR)
Series.objects.filter(interval=HOUR).update(merged_until=now // DAY * DAY)
"""
# Seconds until the pages have read what was made.
SETTLE_SECONDS = 70


def main() -> None:
    """Write the screenshots into docs/."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        run_site(
            Path(folder),
            make_database(Path(folder, "first.sqlite3")),
            RATES_SOURCES="simulated",
            RATES_REFRESH_INTERVAL="1",
            RATES_BACKFILL="off",
            LOG_LEVEL="WARNING",
        ) as site,
    ):
        site.edit(
            f"Coin.objects.all().delete()\nfor place, (symbol, name) in enumerate({COINS!r}.items()):\n"
            "    Coin.objects.create(symbol=symbol, name=name, coingecko_id=symbol.lower(), position=place)"
        )
        site.edit(MAKE_HISTORY)
        time.sleep(SETTLE_SECONDS)
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
