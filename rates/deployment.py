"""
Whose prices these are: boards and publications name the deployment that made them, and no other shows or replaces them.

Two deployments may share a Redis by mistake, and one that is given another currency meets its own board in the old one.
An earlier release named none; what it wrote is taken for our own.

Tested in `tests/store/test_deployments.py`.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

SETTINGS = {"namespace": "RATES_NAMESPACE", "database": "REDIS_DATABASE", "quote": "QUOTE_CURRENCY"}


def describe_deployment() -> dict[str, str | int]:
    """Return what a board and a publication say of this deployment."""
    return {name: getattr(settings, setting) for name, setting in SETTINGS.items()}


def find_difference(stored: Mapping[str, Any] | None) -> str:
    """Return how the deployment that is *stored* differs from this one; empty when it does not."""
    here = describe_deployment()
    differing = [name for name in here if stored and stored.get(name, here[name]) != here[name]]
    return ", ".join(f"its {name} is {(stored or {})[name]}, here it is {here[name]}" for name in differing)
