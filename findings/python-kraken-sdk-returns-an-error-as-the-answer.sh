#!/usr/bin/env bash
# python-kraken-sdk returns an error that it does not know as if it were the result.
#
# Versions: python-kraken-sdk 3.5.1 (PyPI)
# Surprise: the client raises an exception of its own for each error in its table. Any other error is returned by the call:
#   a dict with the keys `error` and `result` where trading pairs were expected. "EGeneral:Internal error", with a code
#   after it, is documented by Kraken and missing in the table.
# Matters: `for pair, ticker in market.get_ticker(...).items()` takes "error" for a trading pair, and no `except` sees
#   anything. Every result needs a check for the key `error`.
# Seen (2026-11-30):
#   | python-kraken-sdk 3.5.1, get_ticker()
#   | ["EQuery:Unknown asset pair"]: raises KrakenUnknownAssetError
#   | ["EService:Unavailable"]: raises KrakenServiceUnavailableError
#   | ["EGeneral:Internal error:1"]: returns {'error': ['EGeneral:Internal error:1'], 'result': {}}
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check python-kraken-sdk==3.5.1
venv/bin/python - <<'PY' | tee seen
import http.server
import json
import threading
from importlib.metadata import version

from kraken.spot import Market


class Handler(http.server.BaseHTTPRequestHandler):
    error = ""

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = json.dumps({"error": [self.error], "result": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
market = Market(url=f"http://127.0.0.1:{server.server_address[1]}")
print(f"python-kraken-sdk {version('python-kraken-sdk')}, get_ticker()")
for Handler.error in ("EQuery:Unknown asset pair", "EService:Unavailable", "EGeneral:Internal error:1"):
    try:
        result = f"returns {market.get_ticker(pair='XBTUSD')}"
    except Exception as error:
        result = f"raises {type(error).__name__}"
    print(f"{json.dumps([Handler.error])}: {result}")
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
