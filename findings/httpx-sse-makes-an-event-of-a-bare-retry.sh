#!/usr/bin/env bash
# httpx-sse yields an event with empty data for a block that has no data, such as a bare `retry:` or `id:`.
#
# Versions: httpx-sse 0.4.3 with httpx 0.28.1, beside sseclient-py 1.9.0 and requests-sse 0.5.3 (PyPI)
# Surprise: by the HTML standard, a client takes `retry` and `id` from such a block and dispatches no event. httpx-sse
#   yields a `message` whose data is an empty string, so `event.json()` raises on the first block of a stream that begins
#   with `retry:`. The two other clients yield nothing.
# Matters: a server that spreads out reconnections begins each stream with `retry:`. Every client that decodes each event
#   with `json()` fails there, before the first price.
# Seen (2026-11-30):
#   | httpx-sse 0.4.3: [('message', '', 5000), ('message', '', None), ('update', '{"BTC":"63250.12"}', None)]
#   | httpx-sse json() of the first: JSONDecodeError
#   | sseclient-py 1.9.0: [('update', '{"BTC":"63250.12"}', None)]
#   | requests-sse 0.5.3: [('update', '{"BTC":"63250.12"}')]
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check httpx-sse==0.4.3 httpx==0.28.1 sseclient-py==1.9.0 requests-sse==0.5.3
venv/bin/python - <<'PY' | tee seen
import http.server
import json
import threading
from importlib.metadata import version

import httpx
import httpx_sse
import requests_sse
import sseclient

STREAM = b'retry: 5000\n\nid: 7\n\nevent: update\ndata: {"BTC":"63250.12"}\n\n'


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(STREAM)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/"

with httpx.Client(trust_env=False) as client, httpx_sse.connect_sse(client, "GET", url) as source:
    events = list(source.iter_sse())
print(f"httpx-sse {version('httpx-sse')}:", [(event.event, event.data, event.retry) for event in events])
try:
    print("httpx-sse json() of the first:", events[0].json())
except json.JSONDecodeError as error:
    print("httpx-sse json() of the first:", type(error).__name__)
events = sseclient.SSEClient([STREAM]).events()
print(f"sseclient-py {version('sseclient-py')}:", [(event.event, event.data, event.retry) for event in events])
with requests_sse.EventSource(url) as source:
    event = next(iter(source))
print(f"requests-sse {version('requests-sse')}:", [(event.type, event.data)])
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
