import random
import time

import websocket
from common import SECONDS, URL, WITH_LINE, read, say


def on_message(_, text):
    read(text)


def on_error(_, error):
    after = (getattr(error, "resp_headers", None) or {}).get("retry-after")
    say("on_error", getattr(error, "status_code", ""), *[f"`Retry-After` {after}"] * bool(after))


def on_close(_, code, reason):
    if code:
        say("on_close", code)


app = websocket.WebSocketApp(
    URL, subprotocols=["rates.v1"], on_message=on_message, on_error=on_error, on_close=on_close
)
if not WITH_LINE:
    app.run_forever(reconnect=2)
while WITH_LINE: app.run_forever(); time.sleep(random.random() * SECONDS)  # the line
