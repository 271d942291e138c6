"""Prometheus' own tool, as a judge, and what its configuration in `deploy/` names."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
ALERTS = DEPLOY / "alerts.yml"
DASHBOARD = DEPLOY / "grafana-dashboard.json"


def promtool(*arguments: str | Path, text: str = "") -> None:
    """Run `promtool` on *text* or on the files in the *arguments*; a complaint is a failure."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def read_rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def read_panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard; rows are among them."""
    return json.loads(DASHBOARD.read_text())["panels"]


def read_expressions() -> list[str]:
    """Return every PromQL expression of the dashboard and the rules, without Grafana's variables."""
    shown = [target["expr"] for panel in read_panels() for target in panel.get("targets", ())]
    plain = [expression.replace("$__rate_interval", "1m").replace("$symbol", ".*") for expression in shown]
    return plain + [rule["expr"] for rule in read_rules()]


def named_metrics() -> set[str]:
    """Return the names of the samples that dashboard and rules read."""
    return {name for expression in read_expressions() for name in re.findall(r"\brates_\w+", expression)}


def sample_names(text: str) -> set[str]:
    """Return the names of the samples in what `/metrics` answers."""
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
