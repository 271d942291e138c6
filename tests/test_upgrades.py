"""Two releases side by side: what another one wrote is read, or left alone, and never misread; tables go back too."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from rates import feed, publication, store
from rates.api import metrics
from rates.fanout.hub import get_hub
from rates.models import Coin
from rates.signals import edit_publisher
from rates.store import codec
from rates.telemetry import reports
from rates.types import CoinState, Snapshot
from tests.boards import publish
from tests.formats import load, restore
from tests.servers import next_frame, open_socket, serving, until
from tests.stand_ins.coingecko import CoinGecko
from tests.world import World

ROOT = Path(__file__).resolve().parent.parent
PRICES = {"BTC": "63256.45", "ETH": "3450.32", "SOL": "148.34", "XLM": "0.1042"}
V1 = load("formats_v1.json")
V2 = load("formats_v2.json")


def change_values(recorded: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Return *recorded* with *change* made to every JSON object in Redis; what is no object is as it was."""

    def each(text: str) -> str:
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return json.dumps(change(value)) if isinstance(value, dict) else text

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: each(text) for name, text in value.items()}
        return [each(text) for text in value] if isinstance(value, list) else each(value)

    keys = {key: {"type": found["type"], "value": walk(found["value"])} for key, found in recorded["redis"].items()}
    return {"redis": keys, "message": change(recorded["message"])}


def with_more_fields() -> dict[str, Any]:
    """A release that adds fields, and so keeps the version."""
    return change_values(V2, lambda value: value | {"mood": "new", "more": {"nested": [1]}})


def of_version_3() -> dict[str, Any]:
    """A release that gives fields another meaning: prices in thousandths, readings with other parts."""

    def change(value: dict[str, Any]) -> dict[str, Any]:
        if "v" not in value:
            return value
        return value | {"v": 3, "seq": "three", "symbols": {"BTC": 0}, "rows": {"BTC": 63256450}, "readings": 7}

    return change_values(V2, change)


def prices(snapshot: Snapshot | None) -> dict[str, str | None]:
    assert snapshot is not None
    return {symbol: fragment.price for symbol, fragment in snapshot.fragments.items()}


@pytest.mark.parametrize("recorded", [V1, V2, with_more_fields()], ids=["before", "recorded", "with more fields"])
def test_what_the_release_before_wrote_is_read(recorded: dict[str, Any]) -> None:
    restore(recorded)
    assert prices(store.load_snapshot()) == PRICES
    overview = store.load_overview(PRICES)
    assert overview.states["BTC"].shown.price == Decimal("63256.45")
    assert [point.price for point in overview.histories["BTC"]] == ["63250.12", "63256.45"]
    assert (overview.owners[0].before, overview.owners[0].after) == ("coingecko", "binance")
    assert overview.healths["coingecko"]["failures"] == 0
    assert overview.calls["coingecko:2026-11"] == 2
    assert store.load_histories(["BTC"])["BTC"] == overview.histories["BTC"]
    name, facts = next(iter(reports.running(store.load_processes(), 1795576931.8).items()))
    assert (name, facts["seq"]) == ("worker:vm:5406", 2)
    assert b'rates_price_disputed{symbol="BTC"} 0.0' in metrics.render()


@pytest.mark.parametrize("recorded", [V1, V2, with_more_fields()], ids=["before", "recorded", "with more fields"])
def test_a_publication_of_the_release_before_is_taken(recorded: dict[str, Any]) -> None:
    message = recorded["message"]
    restore(recorded)
    before = replace(store.load_snapshot(), seq=message["seq"] - 1)
    assert prices(publication.apply(before, message)) == PRICES


@pytest.mark.django_db
def test_a_newer_worker_goes_on_from_there(coingecko: CoinGecko, settings) -> None:
    settings.RATES_SOURCES = ["coingecko"]
    call_command("seed_coins")
    restore(with_more_fields())
    coingecko.prices["ETH"] = Decimal("3451")
    saved = feed.run_tick().saved
    assert (saved.snapshot.epoch, saved.snapshot.seq) == (V2["message"]["epoch"], 3)
    assert len(store.load_histories(["ETH"])["ETH"]) == 2


@pytest.mark.django_db
def test_values_of_a_newer_version_are_not_read_and_a_worker_starts_from_nothing(
    coingecko: CoinGecko, settings
) -> None:
    settings.RATES_SOURCES = ["coingecko"]
    call_command("seed_coins")
    restore(of_version_3())
    assert store.load_snapshot() is None
    assert store.load_header() is None
    assert set(map(repr, store.load_states().values())) == {repr(CoinState())}
    saved = feed.run_tick().saved
    assert saved.snapshot.epoch != V2["message"]["epoch"]
    assert saved.snapshot.seq == 1
    assert saved.snapshot.fragments["BTC"].price == str(coingecko.prices["BTC"])


async def test_a_web_beside_newer_workers_shows_its_last_prices_and_goes_on_when_it_can(caplog) -> None:
    """A publication of version 3 comes, and the store has no board of version 1 to turn to either."""
    layer = get_channel_layer()
    await asyncio.to_thread(publish, BTC="1", ETH="2")
    async with serving() as address, open_socket(address) as client:
        await next_frame(client, "board")
        held = get_hub().snapshot
        with caplog.at_level(logging.WARNING):
            newer = of_version_3()
            await asyncio.to_thread(restore, newer)
            heard = get_hub().subscription.heard_at
            await layer.group_send(publication.GROUP, newer["message"])
            await until(lambda: get_hub().subscription.heard_at > heard)
            await asyncio.sleep(0.3)
        assert get_hub().snapshot is held
        assert not [record for record in caplog.records if record.exc_info]
        assert get_hub().count() == 1
        await asyncio.to_thread(store.client().flushall)
        await asyncio.to_thread(publish, BTC="3", ETH="4")
        board = await next_frame(client, "board")
        assert [coin["price"] for coin in board["rates"]] == ["3", "4"]


def test_the_versions_are_those_that_were_recorded() -> None:
    """Raise one, and the file of the version before it stays as the other release's data."""
    assert (publication.MESSAGE_VERSION, store.BOARD_VERSION, codec.STATE_VERSION) == (1, 1, 2)
    assert V2["message"]["v"] == 1


BACK_AND_FORTH = """
from django.core.management import call_command
for command in (
    ["migrate"], ["seed_coins"],
    ["migrate", "rates", "zero"], ["showmigrations", "rates"],
    ["migrate"], ["showmigrations", "rates"], ["seed_coins"],
):
    print("#", *command)
    call_command(*command, verbosity=int(command[0] != "migrate"))
"""


def check_migrations(database: str) -> None:
    """Migrate there, back to nothing, and there again: in one process, whose start takes longer than that."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", BACK_AND_FORTH], cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *_, nothing, _, all_again, coins_again = done.stdout.split("# ")
    assert ("[ ]" in nothing, "[X]" in nothing) == (True, False)
    assert ("[ ]" in all_again, "[X]" in all_again) == (False, True)
    assert "Coins: BTC" in coins_again


def test_tables_go_back_to_nothing_and_come_again(tmp_path: Path) -> None:
    check_migrations(f"sqlite:///{tmp_path}/db.sqlite3")


def migrate(name: str) -> Any:
    """Bring the tables to the migration *name* and return the model of a coin as it is then."""
    target = [("rates", name)]
    MigrationExecutor(connection).migrate(target)
    return MigrationExecutor(connection).loader.project_state(target).apps.get_model("rates", "Coin")


@pytest.fixture
def newest_tables() -> Iterator[str]:
    """The newest migration; leaves the tables as the other tests need them, whatever happens."""
    newest = max(path.stem for path in (ROOT / "rates" / "migrations").glob("0*.py"))
    yield newest
    migrate(newest)


@pytest.mark.django_db(transaction=True)
def test_coins_of_before_keep_a_pair_on_kraken_only_where_its_price_agrees(world: World, newest_tables: str) -> None:
    """XLM's pair is its own; LUNA is another coin at Kraken."""
    coingecko, kraken = world.stand_ins["coingecko"], world.stand_ins["kraken"]
    coingecko.ids["terra-luna-2"] = "LUNA2"  # type: ignore[union-attr]
    coingecko.prices["LUNA2"], kraken.prices["LUNA"] = Decimal("0.1021"), Decimal("0.0000398")
    rows = [
        {"symbol": "BTC", "name": "Bitcoin", "coingecko_id": "bitcoin", "binance_symbol": "BTCUSDT", "position": 1},
        {"symbol": "XLM", "name": "Stellar", "coingecko_id": "stellar", "binance_symbol": "", "position": 2},
        {"symbol": "LUNA", "name": "Terra", "coingecko_id": "terra-luna-2", "binance_symbol": "", "position": 3},
    ]
    edit_publisher.wait()  # a list that cannot be read in the middle of a migration is the last one for some seconds
    before = migrate("0003_candles")
    before.objects.all().delete()
    before.objects.bulk_create(before(**row) for row in rows)
    migrate("0005_pairs")
    migrate(newest_tables)
    assert set(Coin.objects.values_list("kraken_symbol", "kraken_verified")) == {("", None)}
    world.tick()
    pairs = {
        coin.symbol: (coin.binance_verified, coin.kraken_symbol, coin.kraken_verified) for coin in Coin.objects.all()
    }
    assert pairs == {
        "BTC": (True, "BTC/USD", True),
        "XLM": (False, "XLM/USD", True),
        "LUNA": (False, "", None),
    }
    back = migrate("0003_candles")
    assert list(back.objects.order_by("position").values(*rows[0])) == rows
    migrate(newest_tables)
    assert set(Coin.objects.values_list("kraken_symbol", "kraken_verified")) == {("", None)}
