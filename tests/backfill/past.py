"""A coin whose past three vendors have, and how its gaps are filled."""

import time
from io import StringIO
from typing import Any

from django.core.management import call_command

from rates import store
from rates.backfill.requests import Gap, StepResult, fill
from rates.history.series import Instrument
from rates.models import Coin

BTC, TETHER_USD = Instrument("bitcoin", "usd"), Instrument("USDT", "usd")
Vendors = dict[str, Any]
# Seconds: a filler ends before, when all is filled; and so long prices are fresh. Longer than any test on any machine.
PATIENCE = 3600.0


def coin() -> Coin:
    return Coin.objects.get(symbol="BTC")


def fill_all(gap: Gap, most: int = 40) -> list[StepResult]:
    """Take steps until there is nothing to ask any more; return those that asked."""
    steps = []
    for _ in range(most):
        step = fill(gap, time.time())
        if step.wait:
            let_wait(step.wait)
        elif step.request is None:
            return steps
        else:
            steps.append(step)
    raise AssertionError("there is no end to it")


def let_wait(seconds: float) -> None:
    """Move what is known of the vendors into the past, for the time that passes while one is waited for."""
    store.update_healths(
        lambda stored: {
            name: {**health, **{key: max(0, health[key] - seconds - 1) for key in ("asked_at", "paused_until")}}
            for name, health in stored.items()
        }
    )


def asked(steps: list[StepResult]) -> list[str]:
    return [step.request.source.NAME for step in steps]


def command(*arguments: str) -> str:
    """Return what `manage.py backfill` prints."""
    out = StringIO()
    call_command("backfill", *arguments, stdout=out)
    return out.getvalue()
