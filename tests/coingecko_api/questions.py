"""Questions with random valid parameters, and the clients that ask them: those that people use, unchanged."""

import json
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from coingecko_sdk import APIStatusError, Coingecko
from pycoingecko import CoinGeckoAPI

from tests.clients.clients import HERE

SPANS = ("1h", "24h", "7d", "14d", "30d", "200d", "1y")
ORDERS = ("market_cap_asc", "market_cap_desc", "volume_asc", "volume_desc", "id_asc", "id_desc")
PARTS = ("localization", "tickers", "market_data", "community_data", "developer_data", "sparkline",
         "include_categories_details")  # fmt: skip
INCLUDED = ("include_market_cap", "include_24hr_vol", "include_24hr_change", "include_last_updated_at")
UNKNOWN_ID, UNKNOWN_CURRENCY = "no-such-coin", "kes"
KINDS = ("price", "markets", "chart", "range", "coin", "history", "ohlc", "list", "search", "exchange_rates",
         "currencies", "ping")  # fmt: skip
# Of twenty questions, as programs ask.
WEIGHTS = (6, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1)


class Question(NamedTuple):
    """A call of a client: which path, and its parameters, those of the path too."""

    kind: str
    params: dict[str, Any]

    @property
    def is_unknown(self) -> bool:
        """Whether CoinGecko would say that there is no such coin."""
        return self.params.get("id") == UNKNOWN_ID


class Outcome(NamedTuple):
    """What a client got: a body, or the status of an error."""

    body: Any
    status: int | None = None


class Market(NamedTuple):
    """What can be asked about: ids, names, symbols, currencies of simple prices, those with a history."""

    ids: Sequence[str]
    names: Sequence[str]
    symbols: Sequence[str]
    currencies: Sequence[str]


def make_questions(market: Market, count: int, seed: int) -> list[Question]:
    """Return *count* questions, at least one about every path; the same for the same *seed*."""
    choose = random.Random(seed)
    return [_make(choose, market, kind) for kind in (*KINDS, *choose.choices(KINDS, WEIGHTS, k=count - len(KINDS)))]


def _make(choose: random.Random, market: Market, kind: str) -> Question:
    makers = {
        "price": _ask_price, "markets": _ask_markets, "chart": _ask_chart, "range": _ask_range, "coin": _ask_coin,
        "history": _ask_day, "ohlc": _ask_ohlc, "list": _ask_list, "search": _ask_search,
    }  # fmt: skip
    return Question(kind, makers[kind](choose, market) if kind in makers else {})


def _some(choose: random.Random, values: Sequence[str], unknown: str) -> str:
    """Return a list of some of *values*, some twice, some in capitals, some unknown."""
    some = choose.choices([*values, unknown], k=choose.randint(1, 6))
    return ",".join(text.upper() if choose.random() < 0.2 else text for text in some)


def _switches(choose: random.Random, names: Sequence[str]) -> dict[str, bool]:
    return {name: choose.random() < 0.5 for name in names if choose.random() < 0.5}


def _precision(choose: random.Random) -> dict[str, str]:
    return {"precision": choose.choice(["full", *map(str, range(19))])} if choose.random() < 0.4 else {}


def _named(choose: random.Random, market: Market) -> dict[str, str]:
    kind = choose.choice(["ids", "ids", "names", "symbols"])
    named = {kind: _some(choose, getattr(market, kind), UNKNOWN_ID)}
    tokens = {"include_tokens": choose.choice(["top", "all"])} if kind == "symbols" and choose.random() < 0.5 else {}
    return named | tokens


def _ask_price(choose: random.Random, market: Market) -> dict[str, Any]:
    currencies = {"vs_currencies": _some(choose, market.currencies, UNKNOWN_CURRENCY)}
    return _named(choose, market) | currencies | _switches(choose, INCLUDED) | _precision(choose)


def _ask_markets(choose: random.Random, market: Market) -> dict[str, Any]:
    named = _named(choose, market) if choose.random() < 0.6 else {}
    more: dict[str, Any] = {
        "order": choose.choice(ORDERS),
        "per_page": choose.choice([1, 2, 50, 100, 250]),
        "page": choose.choice([1, 1, 2, 9]),
        "price_change_percentage": ",".join(choose.sample(SPANS, choose.randint(1, len(SPANS)))),
        "locale": choose.choice(["en", "de", "zh-tw"]),
    }
    some = {name: value for name, value in more.items() if choose.random() < 0.5}
    return {
        "vs_currency": _currency(choose, market), **named, **some, **_precision(choose),
        **_switches(choose, ["sparkline", "include_rehypothecated"]),
    }  # fmt: skip


def _currency(choose: random.Random, market: Market) -> str:
    code = choose.choice(market.currencies)
    return code.upper() if choose.random() < 0.2 else code


def _coin(choose: random.Random, market: Market) -> str:
    return UNKNOWN_ID if choose.random() < 0.05 else choose.choice(market.ids)


def _ask_chart(choose: random.Random, market: Market) -> dict[str, Any]:
    days = choose.choice(["1", "2", "7", "14", "30", "90", "91", "180", "365", "max"])
    intervals = ["daily"] if days in ("max", "180", "365", "91") else ["daily", "hourly"]
    interval = {"interval": choose.choice(intervals)} if choose.random() < 0.3 else {}
    return {
        "id": _coin(choose, market), "vs_currency": _currency(choose, market), "days": days, **interval,
        **_precision(choose),
    }  # fmt: skip


def _ask_range(choose: random.Random, market: Market) -> dict[str, Any]:
    end = int(time.time()) - choose.choice([0, 3600, 86400 * choose.randint(1, 300)])
    start = end - choose.choice([3600, 86400, 7 * 86400, 90 * 86400, 364 * 86400])
    written = _dates if choose.random() < 0.3 else str
    return {
        "id": _coin(choose, market), "vs_currency": _currency(choose, market), "from": written(start),
        "to": written(end), **_precision(choose),
    }  # fmt: skip


def _dates(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M")


def _ask_coin(choose: random.Random, market: Market) -> dict[str, Any]:
    return {"id": _coin(choose, market), **_switches(choose, PARTS)}


def _ask_day(choose: random.Random, market: Market) -> dict[str, Any]:
    day = datetime.now(UTC) - timedelta(days=choose.randint(0, 500))
    form = choose.choice(["%d-%m-%Y", "%Y-%m-%d"])
    return {"id": _coin(choose, market), "date": day.strftime(form), **_switches(choose, ["localization"])}


def _ask_ohlc(choose: random.Random, market: Market) -> dict[str, Any]:
    days = choose.choice(["1", "7", "14", "30", "90", "180", "365"])
    return {
        "id": _coin(choose, market), "vs_currency": _currency(choose, market), "days": days, **_precision(choose)
    }  # fmt: skip


def _ask_list(choose: random.Random, _market: Market) -> dict[str, Any]:
    status = {"status": choose.choice(["active", "inactive"])} if choose.random() < 0.3 else {}
    return _switches(choose, ["include_platform"]) | status


def _ask_search(choose: random.Random, market: Market) -> dict[str, Any]:
    return {"query": choose.choice([*market.ids, *market.names, *market.symbols, UNKNOWN_ID])}


def ask_pycoingecko(url: str, questions: Sequence[Question]) -> Iterator[Outcome]:
    """Yield what pycoingecko gets; of *url* it needs the slash at its end."""
    client = CoinGeckoAPI()
    client.api_base_url = f"{url}/"
    calls = {
        "ping": client.ping, "price": partial(_price, client), "currencies": client.get_supported_vs_currencies,
        "exchange_rates": client.get_exchange_rates, "search": client.search, "list": client.get_coins_list,
        "markets": client.get_coins_markets, "coin": client.get_coin_by_id, "history": client.get_coin_history_by_id,
        "chart": client.get_coin_market_chart_by_id, "range": partial(_range, client),
        "ohlc": client.get_coin_ohlc_by_id,
    }  # fmt: skip
    for kind, params in questions:
        try:
            yield Outcome(calls[kind](**params))
        except ValueError as error:
            yield Outcome(error.args[0], 400)
    client.session.close()


def _price(client: CoinGeckoAPI, vs_currencies: str, ids: str = "", **params: Any) -> Any:
    """Ask for prices; the client wants ids, also where coins are named in another way."""
    return client.get_price(ids, vs_currencies, **params)


def _range(client: CoinGeckoAPI, **params: Any) -> Any:
    times = {"from_timestamp": params.pop("from"), "to_timestamp": params.pop("to")}
    return client.get_coin_market_chart_range_by_id(**params, **times)


def ask_sdk(url: str, questions: Sequence[Question]) -> Iterator[Outcome]:
    """Yield what CoinGecko's own client for Python gets; it asks nobody anything without a key."""
    with Coingecko(demo_api_key="any text", base_url=url, max_retries=0) as client:
        calls = {
            "ping": client.ping.get, "price": client.simple.price.get,
            "currencies": client.simple.supported_vs_currencies.get, "exchange_rates": client.exchange_rates.get,
            "search": client.search.get, "list": client.coins.list.get, "markets": client.coins.markets.get,
            "coin": client.coins.get_id, "history": client.coins.history.get, "chart": client.coins.market_chart.get,
            "range": client.coins.market_chart.get_range, "ohlc": client.coins.ohlc.get,
        }  # fmt: skip
        for kind, params in questions:
            try:
                yield Outcome(_plain(calls[kind](**_renamed(params))))
            except APIStatusError as error:
                yield Outcome(error.body, error.status_code)


def _renamed(params: dict[str, Any]) -> dict[str, Any]:
    """Return *params* as Python can have them: `from` is a word of the language."""
    return {"from_" if name == "from" else name: value for name, value in params.items()}


def _plain(value: Any) -> Any:
    """Return the models of an answer as plain values, without the fields that were not in it."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value.to_dict(warnings=False) if hasattr(value, "to_dict") else value


def ask_typescript(node: str, url: str, questions: Sequence[Question]) -> list[Outcome]:
    """Return what CoinGecko's own client for JavaScript gets."""
    done = subprocess.run(
        [node, str(HERE / "coingecko.mjs"), url], input=json.dumps(questions), capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [
        Outcome(answer.get("body", answer.get("error")), answer.get("status")) for answer in json.loads(done.stdout)
    ]
