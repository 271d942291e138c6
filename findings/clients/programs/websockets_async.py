import asyncio
import random

from common import SECONDS, URL, WITH_LINE, read, say
from websockets import ConnectionClosed, InvalidStatus, connect


async def main():
    async for socket in connect(URL, subprotocols=["rates.v1"]):
        try:
            async for text in socket:
                read(text)
        except ConnectionClosed as closed:
            say(type(closed).__name__, closed.rcvd.code)
        if WITH_LINE:
            await asyncio.sleep(random.random() * SECONDS)  # the line


try:
    asyncio.run(main())
except InvalidStatus as refused:
    say("InvalidStatus", refused.response.status_code)
