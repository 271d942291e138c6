"""Print prices as they change: python rates_client.py ws://127.0.0.1:8000/ws/rates"""

import asyncio
import json
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def main(url: str) -> None:
    """Stay connected; `connect` waits longer and longer between attempts by itself."""
    token = os.environ.get("RATES_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else None
    async for socket in connect(url, subprotocols=["rates.v1"], additional_headers=headers):
        coins = {}
        try:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "board":
                    coins = {}
                if message["type"] in ("board", "update"):
                    coins |= {coin["symbol"]: coin for coin in message["rates"]}
                    for symbol in message.get("removed", []):
                        coins.pop(symbol, None)
                    print(message["as_of"], {symbol: coin["price"] for symbol, coin in coins.items()}, flush=True)
        except ConnectionClosed as closed:
            if closed.rcvd and closed.rcvd.code in (4001, 4003):
                raise SystemExit(f"not allowed: {closed.rcvd.code}") from None


asyncio.run(main(sys.argv[1]))
