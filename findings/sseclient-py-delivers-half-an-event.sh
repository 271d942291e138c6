#!/usr/bin/env bash
# sseclient-py yields the event that was being received when the connection ended, as if it were complete.
#
# Versions: sseclient-py 1.9.0 with requests 2.34.2, beside httpx-sse 0.4.3 with httpx 0.28.1 (PyPI)
# Surprise: an event ends with an empty line, and by the HTML standard an incomplete one is discarded. sseclient-py yields
#   what it has. Nothing raises: where the end of the connection is the end of the body, as in HTTP/1.0 and behind some
#   proxies, no layer below notices that it was cut.
# Matters: a restart in the middle of `data: 63250.12` becomes a price of 632.
# Seen (2026-11-30):
#   | the server sends 'data: 63250.12\n\ndata: 632' and closes
#   | sseclient-py 1.9.0: ['63250.12', '632']
#   | httpx-sse 0.4.3: ['63250.12']
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check sseclient-py==1.9.0 requests==2.34.2 httpx-sse==0.4.3 httpx==0.28.1
venv/bin/python - <<'PY' | tee seen
import http.server
import threading
from importlib.metadata import version

import httpx
import httpx_sse
import requests
import sseclient

CUT = "data: 63250.12\n\ndata: 632"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(CUT.encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/"

print(f"the server sends {CUT!r} and closes")
session = requests.Session()
session.trust_env = False
events = sseclient.SSEClient(session.get(url, stream=True)).events()
print(f"sseclient-py {version('sseclient-py')}:", [event.data for event in events])
with httpx.Client(trust_env=False) as client, httpx_sse.connect_sse(client, "GET", url) as source:
    print(f"httpx-sse {version('httpx-sse')}:", [event.data for event in source.iter_sse()])
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
