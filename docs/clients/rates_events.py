"""
Print prices as they change, from server-sent events: python rates_events.py http://127.0.0.1:8000/api/stream

For where a WebSocket does not get through. Needs `pip install requests`. A token, where the service wants one, is in
the environment as RATES_TOKEN.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import requests

# Seconds: the service sends a heartbeat at least every 10 s, so more silence than this is a dead connection.
QUIET = 13
# Seconds to wait when the service did not say how long; the longest is reached by doubling.
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
# Statuses after which to come back is no use: another token, address or selection is needed.
FINAL = (400, 401, 403, 404)

Event = dict[str, str]


def read_events(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the fields of each event."""
    event: Event = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        else:
            yield event
            event = {}


def follow(url: str, token: str) -> Iterator[dict[str, Any]]:
    """
    Yield every message, over as many connections as it takes; one that ended is resumed from the last event.

    Raises:
        requests.HTTPError: when the service says that to come back is no use.
    """
    headers = {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {token}"} if token else {})
    longest = FIRST_WAIT
    while True:
        wait = random.uniform(0, longest)
        try:
            with requests.get(url, headers=headers, stream=True, timeout=QUIET) as response:
                if response.status_code in FINAL:
                    response.raise_for_status()
                wait = float(response.headers.get("Retry-After", wait))
                response.raise_for_status()
                longest = FIRST_WAIT
                for event in read_events(response.iter_lines(chunk_size=1, decode_unicode=True)):
                    wait = float(event.get("retry", wait * 1000)) / 1000
                    headers |= {"Last-Event-ID": event["id"]} if "id" in event else {}
                    if "data" in event:
                        yield json.loads(event["data"])
                end = "the stream ended"
        except requests.RequestException as error:
            if error.response is not None and error.response.status_code in FINAL:
                raise
            end, longest = str(error), min(LONGEST_WAIT, 2 * longest)
        print(f"{end}; next attempt in {wait:.3f} s", file=sys.stderr, flush=True)
        time.sleep(wait)


def main() -> None:
    """Print the whole board with each change until somebody interrupts."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url")
    coins: dict[str, str | None] = {}
    try:
        for message in follow(arguments.parse_args().url, os.environ.get("RATES_TOKEN", "")):
            if message["type"] == "board":
                coins = {}
            for symbol in message.get("removed", []):
                coins.pop(symbol, None)
            if "rates" in message:
                coins |= {coin["symbol"]: coin["price"] for coin in message["rates"]}
                print(message["as_of"], coins, flush=True)
    except requests.HTTPError as refused:
        raise SystemExit(f"not allowed: {refused}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
