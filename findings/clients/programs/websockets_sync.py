import random
import time

from common import SECONDS, URL, WITH_LINE, read, say
from websockets import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


def once():
    try:
        with connect(URL, subprotocols=["rates.v1"]) as socket:
            for text in iter(socket.recv, None):
                read(text)
    except InvalidStatus as refused:
        after = refused.response.headers.get("Retry-After")
        say("InvalidStatus", refused.response.status_code, *[f"`Retry-After` {after}"] * bool(after))
    except ConnectionClosed as closed:
        say(type(closed).__name__, closed.rcvd.code)


if not WITH_LINE:
    once()
while WITH_LINE: once(); time.sleep(random.random() * SECONDS)  # the line
