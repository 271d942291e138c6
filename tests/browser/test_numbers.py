"""Numbers in the browser: the cases of `tests/dashboard/test_numbers.py`."""

import json
from pathlib import Path
from typing import Any

import pytest

CASES = json.loads((Path(__file__).parents[1] / "data" / "number_cases.json").read_text())
SCRIPT = """async (cases) => {
  const n = await import("/static/dashboard/js/numbers.js");
  const {changeOf} = await import("/static/dashboard/js/period.js");
  return {
    prices: cases.prices.map(({price}) => {
      const {lead, zeros, digits} = n.formatPrice(price);
      return [n.decimalsFor(price), lead, zeros, digits];
    }),
    percents: cases.percents.map(({change}) => [n.direction(change), n.formatPercent(change)]),
    amounts: cases.amounts.map(({price, change}) => {
      const moved = changeOf({price, change_24h_pct: change});
      return n.formatAmount(moved.amount, n.decimalsFor(price)).full;
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
    assert written["percents"] == [[case["direction"], case[language]] for case in CASES["percents"]]
    assert written["amounts"] == [case[language] for case in CASES["amounts"]]
    assert written["durations"] == [case[language] for case in CASES["durations"]]
