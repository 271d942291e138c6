import asyncio
import random

import aiohttp
from common import SECONDS, URL, WITH_LINE, read, say


async def once():
    try:
        async with aiohttp.ClientSession() as session, session.ws_connect(URL, protocols=["rates.v1"]) as socket:
            async for message in socket:
                read(message.data)
            say("the loop ends, `close_code`", socket.close_code)
    except aiohttp.WSServerHandshakeError as refused:
        after = refused.headers.get("Retry-After")
        say("WSServerHandshakeError", refused.status, *[f"`Retry-After` {after}"] * bool(after))


async def main():
    if not WITH_LINE:
        await once()
    while WITH_LINE: await once(); await asyncio.sleep(random.random() * SECONDS)  # the line


asyncio.run(main())
