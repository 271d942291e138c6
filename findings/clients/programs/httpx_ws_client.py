import random
import time

import httpx_ws
from common import SECONDS, URL, WITH_LINE, read, say


def once():
    try:
        with httpx_ws.connect_ws(URL, subprotocols=["rates.v1"]) as socket:
            for text in iter(socket.receive_text, None):
                read(text)
    except httpx_ws.WebSocketUpgradeError as refused:
        after = refused.response.headers.get("Retry-After")
        say("WebSocketUpgradeError", refused.response.status_code, *[f"`Retry-After` {after}"] * bool(after))
    except httpx_ws.WebSocketDisconnect as closed:
        say("WebSocketDisconnect", closed.code)


if not WITH_LINE:
    once()
while WITH_LINE: once(); time.sleep(random.random() * SECONDS)  # the line
