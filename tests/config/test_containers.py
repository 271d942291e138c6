"""The files of the containers, read by the programs that will read them: hadolint, Docker Compose, nginx."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.nginx import local_configuration, make_certificate

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
REQUIRED = {
    "SECRET_KEY": 64 * "s",
    "ALLOWED_HOSTS": "rates.example.com",
    "REDIS_PASSWORD": "redis-secret",
    "POSTGRES_PASSWORD": "database-secret",
}
OURS = ("web", "worker", "beat", "stream", "migrate")


def program(name: str) -> str:
    """Return where a program is; skip where it is not."""
    found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def compose(folder: Path, settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Let Docker Compose read the file beside a `.env` with *settings*; it needs no engine for that."""
    shutil.copy(ROOT / "docker-compose.yml", folder)
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return subprocess.run(
        [program("docker-compose"), "config", "--format", "json"],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def services(tmp_path: Path) -> dict[str, Any]:
    """What Docker Compose makes of the file."""
    done = compose(tmp_path, REQUIRED)
    assert done.stderr == ""
    return json.loads(done.stdout)["services"]


def test_hadolint_has_nothing_to_say_about_the_dockerfile() -> None:
    done = subprocess.run([program("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("missing", REQUIRED)
def test_compose_names_what_is_missing(missing: str, tmp_path: Path) -> None:
    done = compose(tmp_path, {name: value for name, value in REQUIRED.items() if name != missing})
    assert done.stdout == ""
    assert f"set {missing} in .env" in done.stderr


def test_a_secret_reaches_the_containers_as_it_stands(tmp_path: Path) -> None:
    """Compose would take a `$` for the beginning of a variable, and an empty `METRICS_TOKEN` is an open door."""
    done = compose(tmp_path, REQUIRED | {"METRICS_TOKEN": "$2y$10$k3ep-this-0ut-of-sight#1"})
    found = json.loads(done.stdout)["services"]
    assert {found[name]["environment"]["METRICS_TOKEN"] for name in OURS} == {"$$2y$$10$$k3ep-this-0ut-of-sight#1"}


def test_all_wait_for_the_tables_redis_and_the_database(services: dict[str, Any]) -> None:
    for name in ("web", "worker", "beat", "stream"):
        waits = {other: what["condition"] for other, what in services[name]["depends_on"].items()}
        assert waits == {
            "migrate": "service_completed_successfully", "redis": "service_healthy", "db": "service_healthy"
        }  # fmt: skip
    assert services["migrate"]["restart"] == "no"


def test_every_service_is_limited_watched_and_given_time_to_end(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert {"mem_limit", "cpus", "networks"} <= service.keys(), name
        if name != "migrate":
            assert service["restart"] == "unless-stopped"
            assert "stop_grace_period" in service
            assert name == "web" or service["healthcheck"]["test"]  # web's is in the Dockerfile


def test_every_image_is_pinned(services: dict[str, Any]) -> None:
    images = [service["image"] for name, service in services.items() if name not in OURS]
    images.append(re.search(r"^ARG PYTHON=(.+)", (ROOT / "Dockerfile").read_text(), re.M)[1])  # type: ignore[index]
    assert all(re.search(r"(^|:)\d+\.\d+", image) for image in images), images


def test_nothing_is_reached_past_the_proxy(services: dict[str, Any]) -> None:
    """Who could reach a web process directly could forge the client's address."""
    assert [name for name, service in services.items() if service.get("ports")] == ["proxy"]
    trusting = [name for name in OURS if services[name]["environment"].get("TRUSTED_PROXY")]
    assert trusting == ["web"]
    assert services["proxy"]["networks"].keys() & services["redis"]["networks"].keys() == set()
    assert [name for name, service in services.items() if "front" in service["networks"]] == ["proxy", "web"]


def test_whatever_can_be_scaled_has_neither_a_name_nor_a_port_of_its_own(services: dict[str, Any]) -> None:
    for name in ("web", "worker", "stream"):
        assert not {"container_name", "ports"} & services[name].keys()


def test_no_worker_has_a_beat_and_only_one_service_is_it(services: dict[str, Any]) -> None:
    assert "-B" not in services["worker"]["command"]
    assert [name for name in OURS if "beat" in (services[name]["command"] or [])] == ["beat"]


def test_redis_throws_nothing_away(services: dict[str, Any]) -> None:
    command = services["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_image_holds_no_secret_and_no_tests() -> None:
    """`.dockerignore` lets in what it names; the Dockerfile copies nothing else."""
    allowed = re.findall(r"^!(.+?)/?$", (ROOT / ".dockerignore").read_text(), re.M)
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
        for word in line.split()
    ]
    assert sorted(copied) == sorted(allowed)


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    nginx = program("nginx")
    make_certificate(tmp_path)
    command = [nginx, "-t", "-c", local_configuration(tmp_path), "-e", tmp_path / "error.log"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
