"""All sources fail for minutes: the last prices stay with their age, few calls are made, and all is well soon after."""

import os
import re
import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.faults.conftest import Figure
from tests.faults.running import Running
from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko

# Seconds. Pauses have grown to their longest after 70 s; `make soak` waits for five minutes.
AWAY = float(os.environ.get("SOURCES_AWAY", "100"))


def test_both_sources_are_away(
    run: Callable[..., Running], market: CoinGecko, stack: ExitStack, figure: Figure
) -> None:
    exchange = stack.enter_context(Binance(moves=True))
    running = run(RATES_SOURCES="coingecko,binance", BINANCE_WS_API_URL=f"{exchange.url}/ws-api/v3")
    shown = running.clients.clients[0].rates["BTC"]["price"]
    market.fault, exchange.fault = "500", "hang"
    began, calls = time.time(), (market.calls, exchange.calls)
    time.sleep(AWAY)
    page = running.system.get("/")[1]
    assert re.search(r"\d+ (s|min)\b[^<]* old", page), "the age is shown"
    rates = running.clients.clients[0].rates
    assert all(rate["stale"] and rate["price"] for rate in rates.values())
    assert abs(float(rates["BTC"]["price"]) / float(shown) - 1) < 0.01
    status, reasons = running.system.get("/readyz")
    assert status == 503
    assert "no source responds" in reasons
    made = market.calls - calls[0], exchange.calls - calls[1]
    figure("calls in vain", sum(made))
    assert max(made) <= 12 + AWAY / 20, made
    market.fault = exchange.fault = ""
    back = time.time()
    while any(rate["stale"] for rate in running.clients.clients[0].rates.values()):
        assert time.time() - back < 60
        time.sleep(0.1)
    figure("away for", back - began, "s")
    figure("fresh after", time.time() - back, "s")
    assert not running.clients.closes()
    assert running.worker.lines("Traceback") == []
