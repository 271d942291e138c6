"""
Programs that were made for CoinGecko, unchanged: what each of them gets for random questions, over every path.

`COINGECKO_QUESTIONS=3400 COINGECKO_SEED=1 pytest tests/coingecko_api/test_clients.py` asks each client more
of them, and others.
"""

import json
import os
from collections.abc import Sequence

import pytest

from tests.clients.clients import HERE
from tests.coingecko_api.market import COINS, WORTHS, Api
from tests.coingecko_api.questions import (
    KINDS,
    UNKNOWN_ID,
    Market,
    Outcome,
    Question,
    ask_pycoingecko,
    ask_sdk,
    ask_typescript,
    make_questions,
)

pytestmark = pytest.mark.django_db
MARKET = Market(
    ids=[coin_id for _, _, coin_id, _ in COINS],
    names=[name for _, name, _, _ in COINS],
    symbols=[symbol.lower() for symbol, *_ in COINS],
    currencies=["usd", *WORTHS, "btc", "eth", "sats"],
)
COUNT, SEED = int(os.environ.get("COINGECKO_QUESTIONS", "70")), int(os.environ.get("COINGECKO_SEED", "7"))
QUESTIONS = [*make_questions(MARKET, COUNT, SEED), Question("coin", {"id": UNKNOWN_ID})]


def check(questions: Sequence[Question], outcomes: Sequence[Outcome]) -> None:
    """Check that nothing failed but questions about a coin that does not exist."""
    assert len(outcomes) == len(questions)
    for question, outcome in zip(questions, outcomes, strict=True):
        assert (outcome.status is not None) == question.is_unknown, (question, outcome)
        assert question.is_unknown or outcome.body is not None


def test_the_questions_are_about_every_path() -> None:
    assert {question.kind for question in QUESTIONS} == set(KINDS)


def test_pycoingecko_gets_what_it_asks_for(api: Api) -> None:
    check(QUESTIONS, list(ask_pycoingecko(api.url, QUESTIONS)))


def test_coingeckos_own_client_for_python_gets_what_it_asks_for(api: Api) -> None:
    outcomes = list(ask_sdk(api.url, QUESTIONS))
    check(QUESTIONS, outcomes)
    for question, outcome in zip(QUESTIONS, outcomes, strict=True):
        if question.is_unknown:
            assert (outcome.status, outcome.body) == (404, {"error": "coin not found"})


def test_coingeckos_own_client_for_javascript_gets_what_it_asks_for(api: Api) -> None:
    node = HERE / "node_modules/node24/bin/node"
    if not node.exists() or not (HERE / "node_modules/@coingecko").exists():
        pytest.skip("no Node, or no client: npm ci --prefix tests/clients")
    check(QUESTIONS, ask_typescript(str(node), api.url, QUESTIONS))


def test_all_clients_get_the_same_prices(api: Api) -> None:
    steady = [question for question in QUESTIONS if question.kind in ("price", "list", "search", "exchange_rates")]
    first, second = list(ask_pycoingecko(api.url, steady)), list(ask_sdk(api.url, steady))
    for question, one, other in zip(steady, first, second, strict=True):
        if not question.is_unknown:
            assert numbers(one.body) == numbers(other.body), question


def numbers(body: object) -> object:
    """Return *body* with times and numbers as every client reads them."""
    return json.loads(json.dumps(body), parse_int=float)
