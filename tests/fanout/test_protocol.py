"""Live frames against `docs/asyncapi.yaml`, and the schemas against frames that they must refuse."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError
from websockets.exceptions import ConnectionClosed

from rates.fanout import drain
from rates.fanout.hub import get_hub
from tests.boards import publish
from tests.servers import next_frame, open_socket, serving

DOCUMENT = yaml.safe_load((Path(__file__).resolve().parents[2] / "docs/asyncapi.yaml").read_text())


def validate(kind: str, frame: Any) -> None:
    Draft202012Validator(DOCUMENT | {"$ref": f"#/components/schemas/{kind}"}).validate(frame)


async def test_every_kind_of_live_frame_is_as_documented() -> None:
    await asyncio.to_thread(publish, BTC="63250.12", ETH=None, XLM="0.1042")
    seen: dict[str, Any] = {}
    async with serving() as address, open_socket(address) as client:

        async def take(kind: str) -> None:
            seen[kind] = await next_frame(client)
            assert seen[kind]["type"] == kind
            validate(kind, seen[kind])

        await take("hello")
        await take("board")
        await asyncio.to_thread(publish, BTC="63251.1", XLM="0.1042", SOL="148")
        await take("update")
        assert seen["update"]["symbols"] == ["BTC", "XLM", "SOL"]
        await client.send('{"type":"ping"}')
        await take("heartbeat")
        for bad in ("{", '{"type":"dance"}', '{"type":"select","symbols":3}', '{"type":"select","symbols":["NOPE"]}'):
            await client.send(bad)
            await take("error")
        await take("board")
        await drain.drain(get_hub())
        await take("bye")
        with pytest.raises(ConnectionClosed):
            await client.recv()
    assert set(seen) == {"hello", "board", "update", "heartbeat", "error", "bye"}


async def test_the_plain_dialect_is_as_documented() -> None:
    await asyncio.to_thread(publish, BTC="63250.12", ETH=None, XLM="0.00001197")
    async with serving() as address, open_socket(address, typed=False) as client:
        frame = json.loads(await client.recv())
        validate("prices", frame)
        assert list(frame) == ["BTC", "XLM"]


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        ("prices", {"BTC": "63250.12"}),
        ("heartbeat", {"type": "heartbeat", "epoch": "e", "seq": 0, "as_of": "2026-11-24T12:00:00.000Z"}),
        ("board", {"type": "board", "epoch": "e", "seq": 1, "as_of": "2026-11-24T12:00:00.000Z", "rates": [{}]}),
        ("error", {"type": "error", "code": "oops", "detail": ""}),
    ],
)
def test_the_schemas_refuse_what_is_not_documented(kind: str, frame: Any) -> None:
    with pytest.raises(ValidationError):
        validate(kind, frame)


def test_every_message_has_a_schema_and_every_reference_resolves() -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            mine = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return mine + [r for value in node.values() for r in references(value)]
        return [r for value in node for r in references(value)] if isinstance(node, list) else []

    for reference in references(DOCUMENT):
        node = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    assert set(DOCUMENT["components"]["messages"]) <= set(DOCUMENT["components"]["schemas"])
