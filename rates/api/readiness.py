"""`/readyz`: whether this process can serve fresh prices, and if not, why; which sources are paused; what fails."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rates import publication, store
from rates.exceptions import StoreUnavailable
from rates.fanout.hub import get_hub
from rates.outage_log import current_faults
from rates.sources.pacing import pause_left, read_health
from rates.telemetry.reports import process_name, running
from rates.types import read_time, time_text


def check_readiness() -> dict[str, Any]:
    """
    Return whether this process can serve fresh prices, the `reasons` why not, what is `paused`, and `faults` anywhere.

    Nothing more is read after a failure, because a server that hangs costs a timeout for each read. A pause or a fault
    alone does not count as unready.
    """
    healths: store.Healths = {}
    processes: Mapping[str, Mapping[str, Any]] = {}
    try:
        healths = store.load_healths()
        store_reasons = [store.describe_foreign(difference)] if (difference := store.load_difference()) else []
        processes = store.load_processes()
    except StoreUnavailable as error:
        store_reasons = [str(error)]
    reasons = [*_process_reasons(), *store_reasons, *_board_reasons()]
    return {
        "ready": not reasons, "reasons": reasons, "paused": find_pauses(healths), "faults": find_faults(processes)
    }  # fmt: skip


def find_faults(processes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return what fails at present in each of the *processes* that report, and in this one."""
    faults = {name: facts["faults"] for name, facts in running(processes, time.time()).items() if "faults" in facts}
    here = process_name("web")
    return {name: line for name, line in faults.items() if name != here} | (
        {here: "; ".join(own)} if (own := current_faults()) else {}
    )


def find_pauses(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return until when each source or stream is paused, and why, from the *stored* healths."""
    now = datetime.now(UTC)
    healths = {name: read_health(stored, name) for name in stored}
    return {
        name: {"until": time_text(datetime.fromtimestamp(health.paused_until, UTC)), "why": health.error}
        for name, health in healths.items()
        if pause_left(health, now.timestamp())
    }


def _process_reasons() -> Iterator[str]:
    hub = get_hub()
    if hub.draining:
        yield "this process is shutting down: its clients are told to reconnect elsewhere"
    elif not hub.subscription.listening or hub.subscription.fault:
        reason = f" ({hub.subscription.fault})" if hub.subscription.fault else ""
        yield f"the hub is not subscribed: it receives no publications{reason}"


def _board_reasons() -> Iterator[str]:
    snapshot = get_hub().snapshot
    if snapshot is None:
        yield "no board yet: no worker has published"
        return
    if publication.is_late(snapshot):
        age = datetime.now(UTC) - read_time(snapshot.as_of)
        yield f"the board is {age.total_seconds():.0f} s old: no worker is publishing"
    fragments = snapshot.fragments.values()
    if all(fragment.price is None for fragment in fragments) and fragments:
        yield "no coin has a price yet"
    elif all(fragment.price is None or fragment.is_stale for fragment in fragments) and fragments:
        yield "every price is stale: no source responds"
