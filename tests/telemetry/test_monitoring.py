"""The alert rules and the dashboard in `deploy/`, judged by the tools that read them."""

import json
from collections import Counter
from itertools import combinations, product
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.prometheus import ALERTS, DASHBOARD, DEPLOY, promtool, read_expressions, read_panels, read_rules

ALERTS_TEST = DEPLOY / "alerts_test.yml"


def test_the_alert_rules_are_valid() -> None:
    promtool("check", "rules", ALERTS)


def test_the_alerts_fire_and_rest_as_their_tests_say() -> None:
    promtool("test", "rules", ALERTS_TEST)


def test_each_alert_is_tried_firing_and_resting() -> None:
    cases = [case for test in yaml.safe_load(ALERTS_TEST.read_text())["tests"] for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in read_rules()}
    for firing in (True, False):
        assert {case["alertname"] for case in cases if bool(case["exp_alerts"]) is firing} == names


def test_each_alert_says_how_bad_it_is_and_what_it_means() -> None:
    rules = read_rules()
    assert {rule["labels"]["severity"] for rule in rules} == {"critical", "warning"}
    assert all(rule["annotations"]["summary"] and rule["for"] for rule in rules)


def test_every_expression_is_promql(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    rules = [{"record": f"number:{number}", "expr": expr} for number, expr in enumerate(read_expressions())]
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    promtool("check", "rules", path)


def kept(raw: Any, back: Any, path: str = "") -> list[str]:
    """Return what of *raw* is not in *back*."""
    if isinstance(raw, dict) and isinstance(back, dict):
        return [lost for name, value in raw.items() for lost in kept(value, back.get(name), f"{path}.{name}")]
    if isinstance(raw, list) and isinstance(back, list) and len(raw) == len(back):
        return [lost for at, pair in enumerate(zip(raw, back, strict=True)) for lost in kept(*pair, f"{path}[{at}]")]
    return [] if raw == back or (back is None and not raw) else [f"{path}: {raw!r} became {back!r}"]


def test_grafanas_own_types_know_all_of_the_dashboard() -> None:
    register_default_plugins()
    raw = json.loads(DASHBOARD.read_text())
    back = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(raw)))
    assert kept(raw, back) == []


def test_the_dashboard_asks_only_the_data_source_that_is_chosen() -> None:
    panels = [panel for panel in read_panels() if panel["type"] != "row"]
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert all(target["datasource"] == panel["datasource"] == chosen for panel in panels for target in panel["targets"])
    variables = json.loads(DASHBOARD.read_text())["templating"]["list"]
    assert [variable["name"] for variable in variables if variable["type"] == "datasource"] == ["datasource"]


def test_panels_have_names_of_their_own_and_do_not_overlap() -> None:
    panels = read_panels()
    assert set(Counter(panel["id"] for panel in panels).values()) == {1}
    assert all(panel["title"] for panel in panels)
    cells: dict[int, set[tuple[int, int]]] = {}
    for panel in panels:
        place = panel["gridPos"]
        columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        assert columns.stop <= 24
        cells[panel["id"]] = set(product(columns, rows))
    assert not [pair for pair in combinations(cells, 2) if cells[pair[0]] & cells[pair[1]]]
