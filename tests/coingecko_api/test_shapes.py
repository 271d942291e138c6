"""The same question to CoinGecko, as the stand-in knows its documents, and to us: the same keys, the same types."""

from typing import Any

import pytest
import requests

from tests.coingecko_api.market import Api
from tests.stand_ins.coingecko import CoinGecko

pytestmark = pytest.mark.django_db
ALL_PRICES = "&".join(f"include_{part}=true" for part in ("market_cap", "24hr_vol", "24hr_change", "last_updated_at"))
SPANS = "1h,24h,7d,14d,30d,200d,1y"
QUESTIONS = [
    "ping",
    f"simple/price?ids=bitcoin&vs_currencies=usd&{ALL_PRICES}",
    "simple/price?ids=bitcoin&vs_currencies=usd",
    "simple/price?ids=none&vs_currencies=usd",
    "simple/price?ids=bitcoin",
    "simple/supported_vs_currencies",
    "exchange_rates",
    "search?query=bitcoin",
    "coins/list",
    f"coins/markets?vs_currency=usd&sparkline=true&include_rehypothecated=true&price_change_percentage={SPANS}",
    "coins/bitcoin?sparkline=true&include_categories_details=true",
    "coins/bitcoin/history?date=2026-11-20",
    "coins/bitcoin/market_chart?vs_currency=usd&days=1",
    "coins/bitcoin/market_chart/range?vs_currency=usd&from=2026-11-20&to=2026-11-21",
    "coins/bitcoin/ohlc?vs_currency=usd&days=1",
    "nowhere",
]
# Objects whose keys are languages, currencies or platforms.
MAPS = ("localization", "description", "platforms", "detail_platforms", "rates", "current_price", "market_cap",
        "total_volume", "high_24h", "low_24h", "ath", "atl")  # fmt: skip


def is_map(name: str) -> bool:
    return name in MAPS or name.endswith("_in_currency") or name.startswith(("ath_", "atl_", "fully_"))


def shape(value: Any, name: str = "") -> Any:
    """Return the shape of *value*: keys and kinds; of lists and maps that of their first item, None for any."""
    if isinstance(value, dict):
        shapes = {key: shape(each, key) for key, each in value.items()}
        return ["map", next(iter(shapes.values()), None)] if is_map(name) else shapes
    if isinstance(value, list):
        return ["list", *(shape(each) for each in value[:1])]
    return None if value is None else {bool: "switch", str: "text"}.get(type(value), "number")


def differences(theirs: Any, ours: Any, place: str = "") -> list[str]:
    """Return where two shapes differ; what is null in one of them is like anything."""
    if theirs is None or ours is None:
        return []
    if isinstance(theirs, dict) and isinstance(ours, dict):
        lacking = [f"{place}.{name}" for name in theirs.keys() ^ ours.keys()]
        return lacking + [
            d for n in theirs.keys() & ours.keys() for d in differences(theirs[n], ours[n], f"{place}.{n}")
        ]
    if isinstance(theirs, list) and isinstance(ours, list):
        return [d for one, other in zip(theirs, ours, strict=False) for d in differences(one, other, f"{place}[]")]
    return [] if theirs == ours else [f"{place}: {theirs} {ours}"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_answers_have_the_same_keys_and_types(api: Api, coingecko: CoinGecko, question: str) -> None:
    theirs = requests.get(coingecko.url.removesuffix("simple/price") + question, timeout=30)
    ours = api.ask(question)
    assert theirs.status_code == ours.status_code
    assert theirs.headers["Content-Type"] == ours.headers["Content-Type"]
    assert differences(shape(theirs.json()), shape(ours.json())) == []


def test_a_difference_is_found() -> None:
    assert differences(shape({"a": 1, "b": [{"c": "d"}]}), shape({"a": "1", "b": [{"e": 2}]})) != []
    assert differences(shape({"ath": {"usd": 1}}), shape({"ath": {"eur": "1"}})) == [".ath[]: number text"]
