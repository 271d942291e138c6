"""Numbers in the browser: the cases of `tests/dashboard/test_numbers.py`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.test_period import CASES as PERIOD_CASES
from tests.dashboard.test_period import NOW, coin

CASES = json.loads((Path(__file__).parents[1] / "data" / "number_cases.json").read_text())
SCRIPT = """async (cases) => {
  const n = await import("/static/dashboard/js/numbers.js");
  const {changeOf} = await import("/static/dashboard/js/period.js");
  return {
    prices: cases.prices.map(({price}) => {
      const {lead, zeros, digits} = n.formatPrice(price);
      return [n.decimalsFor(price), lead, zeros, digits];
    }),
    money: cases.money.map(({price, currency}) => n.money(price, currency)),
    exact: cases.exact.map(({price}) => n.formatExact(price)),
    percents: cases.percents.map(({change}) => [n.direction(change), n.formatPercent(change)]),
    amounts: cases.amounts.map(({price, change, currency}) => {
      const moved = changeOf({price, change_24h_pct: change});
      return n.formatAmount(moved.amount, n.decimalsFor(price, n.unitOf(currency ?? "usd")[0])).full;
    }),
    durations: cases.durations.map(({seconds}) => n.formatDuration(seconds)),
  };
}"""


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("de-DE", "de")])
def test_browser_and_server_write_the_same_numbers(open_page: Any, locale: str, language: str) -> None:
    page = open_page("/", locale=locale)
    assert page.evaluate("document.documentElement.lang") == language
    written = page.evaluate(SCRIPT, CASES)
    assert written["prices"] == [[case["decimals"], *case[language]] for case in CASES["prices"]]
    assert written["money"] == [case[language] for case in CASES["money"]]
    assert written["exact"] == [case[language] for case in CASES["exact"]]
    assert written["percents"] == [[case["direction"], case[language]] for case in CASES["percents"]]
    assert written["amounts"] == [case[language] for case in CASES["amounts"]]
    assert written["durations"] == [case[language] for case in CASES["durations"]]


PERIODS = """async (cases) => {
  const {extendLine, periodOf} = await import("/static/dashboard/js/period.js");
  return cases.map(([coin, line, at]) => {
    const extended = coin.price === null || !line.length ? line : extendLine(line, at, Number(coin.price));
    const {change, line: drawn, low, high, since} = periodOf({...coin, line: extended});
    const percent = change && Math.round(Number(change.percent) * 1e9) / 1e9;
    return [percent, since, drawn.length ? Math.round(drawn[0][1] * 1e9) / 1e9 : null, low, high];
  });
}"""
LONG = """async (count) => {
  const {extendLine} = await import("/static/dashboard/js/period.js");
  let line = [];
  for (let minute = 0; minute < count; minute++) line = extendLine(line, minute * 60, minute);
  return [line.length, line[0], line.at(-1)];
}"""


def test_browser_and_server_choose_the_same_period(open_page: Any) -> None:
    page = open_page("/")
    cases = [[coin(facts), line, NOW] for facts, line, _ in PERIOD_CASES.values()]
    assert dict(zip(PERIOD_CASES, page.evaluate(PERIODS, cases), strict=True)) == {
        name: list(shown) for name, (_, _, shown) in PERIOD_CASES.items()
    }
    length, first, last = page.evaluate(LONG, 3 * 1440)
    assert length < 150
    assert last == [(3 * 1440 - 1) * 60, 3 * 1440 - 1]
    assert 23 * 3600 < last[0] - first[0] < 26 * 3600
