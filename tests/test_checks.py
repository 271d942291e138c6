"""What cannot work is refused before the start, with one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from rates import checks, store
from tests.faults.processes import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
CORE = "channels_redis.core.RedisChannelLayer"
OURS = "config.channel_layer.PatientLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
STARTS = {name: COMMANDS[name] for name in ("web", "plain_worker", "beat", "stream")}


def found(layer: dict[str, object]) -> list[str]:
    with override_settings(CHANNEL_LAYERS={"default": layer}):
        return [problem.id for problem in run_checks() if problem.id and problem.id.startswith("rates.")]


def redis_layer(backend: str, host: object) -> dict[str, object]:
    return {"BACKEND": backend, "CONFIG": {"hosts": [host]}}


def test_our_own_settings_are_fine() -> None:
    assert [problem for problem in run_checks() if str(problem.id).startswith("rates.")] == []


@pytest.mark.parametrize("layer", [{}, {"BACKEND": "channels.layers.InMemoryChannelLayer"}])
def test_a_layer_that_stays_in_its_process_is_an_error(layer: dict[str, object]) -> None:
    assert found(layer) == ["rates.E001"]
    with override_settings(DEBUG=True):
        assert found(layer) == []


@pytest.mark.parametrize(
    ("backend", "host", "problems"),
    [
        (PUBSUB, "redis://localhost", ["rates.E002"]),
        (PUBSUB, {"address": "redis://localhost"}, ["rates.E002"]),
        (PUBSUB, {"address": "redis://localhost", "socket_timeout": None}, ["rates.E002"]),
        (PUBSUB, {"address": "redis://localhost", "socket_timeout": float("inf")}, ["rates.E002"]),
        (PUBSUB, {"address": "redis://localhost", "socket_timeout": 5}, []),
        (OURS, "redis://localhost", ["rates.E002"]),
        (OURS, {"address": "redis://localhost", "socket_timeout": 5}, []),
        (CORE, {"address": "redis://localhost", "socket_timeout": 5}, ["rates.E002"]),
        (CORE, {"address": "redis://localhost", "socket_timeout": 15}, []),
    ],
)
def test_a_time_out_that_hangs_or_cuts_is_an_error(backend: str, host: object, problems: list[str]) -> None:
    assert found(redis_layer(backend, host)) == problems


def test_a_broker_that_may_hang_is_an_error() -> None:
    with override_settings(CELERY_BROKER_TRANSPORT_OPTIONS={"socket_timeout": None}):
        assert [problem.id for problem in run_checks() if str(problem.id).startswith("rates.")] == ["rates.E003"]


@pytest.mark.parametrize("name", STARTS)
def test_no_process_starts_with_the_layer_that_stays_in_its_process(name: str, tmp_path: Path) -> None:
    (tmp_path / "memory_layer.py").write_text(
        "from config.settings import *\n"
        "CHANNEL_LAYERS = {'default': {'BACKEND': 'channels.layers.InMemoryChannelLayer'}}\n"
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "memory_layer",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        STARTS[name].split(), cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    said = done.stderr.strip().splitlines()
    assert len(said) == 1, said
    assert said[0].startswith("Cannot start: the channel layer channels.layers.InMemoryChannelLayer")


@pytest.mark.parametrize(
    ("version", "too_old"),
    [("5.0.6", True), ("6.0.16", True), ("6.2.5", False), ("7.0.15", False), ("10.0", False), ("", False)],
)
def test_a_redis_that_is_too_old(version: str, too_old: bool) -> None:
    assert checks.is_too_old(version) is too_old


def test_a_redis_that_evicts_anything_is_told_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    store.client().config_set("maxmemory-policy", "allkeys-lru")
    try:
        checks.refuse_bad_start()
    finally:
        store.client().config_set("maxmemory-policy", "noeviction")
    assert "maxmemory-policy allkeys-lru" in caplog.text
