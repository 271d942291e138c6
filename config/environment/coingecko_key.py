"""The reader of CoinGecko's key, which has three names: ours, and those that CoinGecko's own clients read."""

import re
from collections.abc import Mapping

from config.console import refuse_start
from config.environment.readers import choice, refuse_secret, text

PLANS = ("demo", "pro")
# The plan that a name says. Reference: the README of coingecko-sdk (PyPI).
SYNONYMS = {"COINGECKO_DEMO_API_KEY": "demo", "COINGECKO_PRO_API_KEY": "pro"}


def coingecko_key(name: str, plan_name: str) -> tuple[str, str]:
    """Return the key in the variable *name* or a synonym, and its plan: what *plan_name* or the synonym says."""
    keys = {each: key for each in (name, *SYNONYMS) if (key := _read_key(each))}
    plans = {each: plan for each, plan in SYNONYMS.items() if each in keys}
    if text(plan_name):
        plans[plan_name] = choice(plan_name, PLANS[0], PLANS)
    _refuse_disagreement(keys, "keys")
    _refuse_disagreement(plans, "plans")
    return next(iter(keys.values()), ""), next(iter(plans.values()), PLANS[0])


def _read_key(name: str) -> str:
    key = text(name)
    if not re.fullmatch(r"[\x21-\x7e]*", key):
        refuse_secret(name, "the key alone: an invisible character may have been copied with it")
    return key


def _refuse_disagreement(values: Mapping[str, str], what: str) -> None:
    """Stop the start when variables that mean the same say different things; keys are not shown."""
    if len(set(values.values())) > 1:
        refuse_start(f"Bad setting: {' and '.join(values)} name different {what} of CoinGecko; set one of them.")
