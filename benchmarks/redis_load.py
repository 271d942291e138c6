"""
The load on Redis of one publication, and of an idle web process: `python -m benchmarks.redis_load`.

The publisher is the real one, with the real channel layer. To Redis a web process is one subscription, so *webs* are
plain subscribers to the same channel; what else a web process sends is counted with one that runs for a while.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import redis

from benchmarks.fan_out import redis_server, set_up_django

CHANNEL = "rates__group__rates"
ROUNDS = 200
IDLE_SECONDS = 30.0


def server_seconds(client: "redis.Redis") -> float:
    """Return the CPU time that the server has used."""
    told = client.info("cpu")
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def commands(client: "redis.Redis") -> int:
    """Return how many commands the server has processed."""
    return int(client.info("stats")["total_commands_processed"])


def publish(symbols: Sequence[str], number: int) -> None:
    """Store and send a publication in which every coin has changed."""
    from rates import publication, store  # noqa: PLC0415 - Django is set up by now
    from rates.types import Fragment, HistoryPoint  # noqa: PLC0415 - Django is set up by now

    at = datetime.now(UTC)
    price = f"{63250 + number}.12"
    coin = {"name": "Bitcoin", "price": price, "change_24h_pct": "-1.41", "volume_24h": "28123456789.1",
            "source": "binance", "observed_at": at.isoformat(), "stale": False, "disputed": False,
            "confirmed_by": ["coingecko", "kraken"], "spread_pct": "0.04"}  # fmt: skip
    fragments = {s: Fragment(s, json.dumps({"symbol": s, **coin}), price) for s in symbols}
    points = {s: HistoryPoint(price, at.isoformat()) for s in symbols}
    saved = store.update_board(lambda _: store.Change(at, fragments, {}, points))
    publication.publish(saved.snapshot, saved.changed, saved.removed)


def measure(client: "redis.Redis", url: str, coins: int, webs: int) -> str:
    """Return a row of the table: what one publication of *coins* to *webs* costs the server."""
    symbols = [f"C{number}" for number in range(coins)]
    publish(symbols, 0)
    code = (
        "import redis, sys\n"
        "subscribers = [redis.Redis.from_url(sys.argv[1]).pubsub() for _ in range(int(sys.argv[2]))]\n"
        "for s in subscribers: s.subscribe(sys.argv[3])\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for s in subscribers: s.get_message(timeout=5)"
    )
    with subprocess.Popen([sys.executable, "-c", code, url, str(webs), CHANNEL], stdout=subprocess.PIPE) as subscribers:
        assert subscribers.stdout
        subscribers.stdout.readline()
        assert client.pubsub_numsub(CHANNEL)[0][1] == webs, "the channel layer publishes elsewhere"
        before, asked, sent = (
            server_seconds(client),
            commands(client),
            int(client.info("stats")["total_net_output_bytes"]),
        )
        for number in range(1, ROUNDS + 1):
            publish(symbols, number)
        used, done = server_seconds(client) - before, commands(client) - asked
        sent = int(client.info("stats")["total_net_output_bytes"]) - sent
        subscribers.kill()
    return f"| {coins} | {webs} | {used / ROUNDS * 1000:.2f} ms | {done / ROUNDS:.0f} | {sent / ROUNDS / 1000:.0f} kB |"


def measure_idle(client: "redis.Redis") -> str:
    """Return what one web process sends while nothing is published."""
    environment = os.environ | {"PORT": "18961"}
    with subprocess.Popen([sys.executable, "manage.py", "serve"], env=environment) as web:
        time.sleep(5)
        before, asked = server_seconds(client), commands(client)
        time.sleep(IDLE_SECONDS)
        used, done = server_seconds(client) - before, commands(client) - asked
        web.terminate()
    milliseconds = used / IDLE_SECONDS * 1000
    return f"an idle web process: {done / IDLE_SECONDS:.1f} commands and {milliseconds:.2f} ms of CPU a second"


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as name, redis_server(folder := Path(name)) as url:
        set_up_django(url, folder)
        client = redis.Redis.from_url(url)
        print("| coins | webs | Redis CPU per publication | commands | sent |\n|---|---|---|---|---|")
        for coins in (4, 200):
            for webs in (1, 10, 100):
                print(measure(client, url, coins, webs), flush=True)
        print(measure_idle(client))


if __name__ == "__main__":
    main()
