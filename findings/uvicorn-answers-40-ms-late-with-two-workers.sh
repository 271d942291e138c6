#!/usr/bin/env bash
# uvicorn with more than one worker answers 40 ms late on a connection that stays open.
#
# Versions: uvicorn 0.54.0 (PyPI), Python 3.11, Linux
# Surprise: asyncio turns Nagle's algorithm off for connections of listeners that name TCP as their protocol. uvicorn makes
#   such a one for a single process only; with `--workers`, `--reload` or `--fd`, and for `Server.run(sockets=[...])` with a
#   `socket.create_server`, the protocol is 0. Head and body of an answer are two writes, so the second waits for the
#   acknowledgement of the first, which clients delay.
# Matters: a price that is answered from memory in 0.2 ms arrives 40 ms late as soon as a second process is added, and no
#   load test shows it that opens a connection for each request, or looks at processor time.
# Seen (2026-11-30):
#   | uvicorn 0.54.0, one process: less than 20 ms
#   | uvicorn 0.54.0, --workers 2: about 40 ms
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check uvicorn==0.54.0
cat > application.py <<'PY'
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
        await send({"type": "http.response.body", "body": b"63250.12"})
PY
venv/bin/python - <<'PY' | tee seen
import http.client
import socket
import statistics
import subprocess
import sys
import time
from importlib.metadata import version


def connect(port):
    for _ in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.connect()
            return connection
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not start")


def ask(connection):
    began = time.perf_counter()
    connection.request("GET", "/")
    connection.getresponse().read()
    return (time.perf_counter() - began) * 1000


for options in ([], ["--workers", "2"]):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "application:app", "--port", str(port), "--log-level", "critical"]
    server = subprocess.Popen([*command, *options])
    connection = connect(port)
    median = statistics.median(ask(connection) for _ in range(40))
    server.terminate()
    server.wait()
    found = "about 40 ms" if 30 < median < 80 else "less than 20 ms" if median < 20 else f"{median:.0f} ms"
    print(f"uvicorn {version('uvicorn')}, {' '.join(options) or 'one process'}: {found}")
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
