"""Two deployments on one Redis, or one that is given another currency: none shows or replaces the other's prices."""

import asyncio
import json

import pytest
from channels.layers import get_channel_layer
from django.test import AsyncClient
from pytest_django import Settings

from rates import publication, store
from rates.exceptions import ForeignBoard
from rates.fanout.hub import get_hub
from rates.store.codec import encode_state
from rates.store.keys import BOARD
from rates.types import CoinState
from tests.boards import publish, save
from tests.servers import next_frame, open_socket, serving, until

DOLLARS = "the board in Redis is of another deployment: its quote is usd, here it is eur"


@pytest.fixture
def in_euros(settings: Settings) -> None:
    """The currency was changed while another process still publishes in dollars."""
    save(BTC="64740.95", ETH="3450")
    settings.QUOTE_CURRENCY = "eur"


def test_a_board_in_another_currency_is_not_shown(in_euros: None, caplog: pytest.LogCaptureFixture) -> None:
    assert store.load_snapshot() is store.load_header() is None
    assert store.load_histories(["BTC"]) == {"BTC": []}
    overview = store.load_overview(["BTC"])
    assert (overview.snapshot, overview.states, overview.histories) == (None, {}, {"BTC": []})
    assert store.load_difference() == "its quote is usd, here it is eur"
    assert [record.getMessage() for record in caplog.records] == [f"no prices are shown: {DOLLARS}"]


def test_a_board_that_somebody_publishes_is_not_replaced(in_euros: None) -> None:
    before = store.client().get(BOARD)
    with pytest.raises(ForeignBoard, match=DOLLARS):
        save(BTC="59561.67")
    assert store.client().get(BOARD) == before
    assert json.loads(store.client().get("rates:BTC"))["price"] == "64740.95"


def test_one_that_was_left_behind_is_replaced_and_nothing_of_it_is_kept(in_euros: None, settings: Settings) -> None:
    before = json.loads(store.client().get(BOARD))
    store.client().hset("rates:states", "ETH", encode_state(CoinState()))
    settings.RATES_STALE_AFTER = 0
    saved = save(BTC="59561.67")
    assert saved.snapshot.epoch != before["epoch"]
    assert {point.price for point in store.load_histories(["BTC"])["BTC"]} == {"59561.67"}
    assert store.load_snapshot() == saved.snapshot
    assert store.client().exists("rates:ETH", "rates:ETH:history", "rates:states") == 0


def test_what_an_earlier_release_wrote_is_our_own(in_euros: None) -> None:
    header = json.loads(store.client().get(BOARD))
    del header["deployment"]
    store.client().set(BOARD, json.dumps(header))
    assert save(BTC="1").snapshot.seq == header["seq"] + 1


@pytest.mark.parametrize("name", ["RATES_NAMESPACE", "REDIS_DATABASE"])
def test_another_namespace_or_database_is_another_deployment(name: str, settings: Settings) -> None:
    save(BTC="1")
    setattr(settings, name, "other")
    assert "here it is other" in store.load_difference()


async def test_a_hub_ignores_the_publications_of_another_deployment(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Databases do not separate pub/sub."""
    saved = await asyncio.to_thread(publish, BTC="1")
    message = publication.build_message(saved.snapshot, saved.changed, saved.removed)
    foreign = message | {"epoch": "foreign", "deployment": message["deployment"] | {"database": 3}}
    async with serving() as address, open_socket(address) as client:
        await next_frame(client, "board")
        heard_at, lines = get_hub().subscription.heard_at, len(caplog.records)
        await get_channel_layer().group_send(publication.GROUP, foreign)
        await until(lambda: "its database is 3, here it is 0" in caplog.text)
        assert get_hub().subscription.heard_at == heard_at
        assert get_hub().snapshot.epoch == saved.snapshot.epoch
        await asyncio.to_thread(publish, BTC="2")
        assert (await next_frame(client, "update"))["rates"][0]["price"] == "2"
        assert len(caplog.records) == lines + 1


async def test_readyz_says_so(settings: Settings) -> None:
    await asyncio.to_thread(save, BTC="64740.95")
    settings.QUOTE_CURRENCY = "eur"
    answer = await AsyncClient().get("/readyz")
    assert answer.status_code == 503
    assert DOLLARS in answer.json()["reasons"]
