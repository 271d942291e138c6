"""
What an open dashboard costs a visitor: `python -m benchmarks.dashboard`, with Chromium; takes about a minute.

The whole system runs with simulated prices, all of which change with each of two publications a second. Chromium's own
counters (DevTools, `Performance.getMetrics`) tell how long the page's main thread was busy. `--profile` lists the
functions that took the most time.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGS, CHROMIUM
from tests.browser.site import Site, make_database, run_site

PUBLICATIONS_PER_SECOND = 2
SETTLE_SECONDS = 4
# What is stored of the first coin, the most there may be.
UPDATES = 10_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--coins", type=int, nargs="+", default=[12, 200])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--path", default="/", help="the page: / or /coins/c0/")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    options = parser.parse_args()
    interval = str(1 / PUBLICATIONS_PER_SECOND)
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        run_site(
            Path(folder),
            make_database(Path(folder, "first.sqlite3")),
            RATES_SOURCES="simulated",
            RATES_REFRESH_INTERVAL=interval,
            RATES_HISTORY_LENGTH=str(UPDATES),
            LOG_LEVEL="WARNING",
        ) as site,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        for coins in options.coins:
            set_coins(site, coins)
            page = open_page(browser, site, options.path)
            print(measure(page, coins, options.seconds))
            if options.profile:
                print(profile(page, options.seconds))
            page.context.close()
        browser.close()


def set_coins(site: Site, count: int) -> None:
    """Put *count* coins on the board."""
    site.edit(
        "Coin.objects.all().delete()\n"
        f"for n in range({count}):\n"
        "    Coin.objects.create(symbol=f'C{n}', coingecko_id=f'coin-{n}', name=f'Coin {n}', position=n)"
    )
    site.wait_ready()
    site.edit(
        "from rates.store import client\nfrom rates.store.keys import history_key\n"
        'point = \'{"price": "1.5", "observed_at": "2026-11-%02dT%02d:%02d:00.000Z"}\'\n'
        f"points = [point % (1 + n // 1440, n // 60 % 24, n % 60) for n in range({UPDATES - 100})]\n"
        "client().lpush(history_key('C0'), *reversed(points))"
    )


def open_page(browser: Any, site: Site, path: str) -> Any:
    """Return a page with animations, a moment after it became live."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(site.url + path)
    page.wait_for_selector("#status[data-state=live]")
    time.sleep(SETTLE_SECONDS)
    return page


def measure(page: Any, coins: int, seconds: float) -> str:
    """Return one line about *seconds* of the page."""
    devtools = page.context.new_cdp_session(page)
    # The thread's own time: on a busy machine, wall-clock time would include that of other processes.
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before, began = counters(devtools), time.monotonic()
    time.sleep(seconds)
    after, span = counters(devtools), time.monotonic() - began
    task, script, style, layout = (
        100 * (after[name] - before[name]) / span
        for name in ("TaskDuration", "ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
    )
    return (
        f"{coins:4} coins: main thread busy {task:5.2f} % of a core"
        f" (scripts {script:.2f}, styles {style:.2f}, layout {layout:.2f}); heap {heap(devtools):.1f} MB"
    )


def counters(devtools: Any) -> dict[str, float]:
    """Return Chromium's counters by name."""
    return {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}


def heap(devtools: Any) -> float:
    """Return the MB of the JavaScript heap after a garbage collection."""
    devtools.send("HeapProfiler.collectGarbage")
    return counters(devtools)["JSHeapUsedSize"] / 1e6


def profile(page: Any, seconds: float) -> str:
    """Return the functions in which the sampling profiler found the page most often."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Profiler.enable")
    devtools.send("Profiler.start")
    time.sleep(seconds)
    found = devtools.send("Profiler.stop")["profile"]
    names = {node["id"]: node["callFrame"] for node in found["nodes"]}
    taken: Counter[str] = Counter()
    for node, delta in zip(found["samples"], found["timeDeltas"], strict=True):
        frame = names[node]
        taken[f"{frame['functionName'] or '-'} {frame['url'].rsplit('/', 1)[-1]}:{frame['lineNumber'] + 1}"] += delta
    total = sum(taken.values())
    return "\n".join(f"  {100 * time / total:6.2f} %  {name}" for name, time in taken.most_common(22))


if __name__ == "__main__":
    main()
