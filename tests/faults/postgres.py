"""A PostgreSQL of the test's own, in a temporary folder; Debian's package has its programs off the PATH."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.faults.processes import START, Process, wait_until
from tests.ports import free_port

USER, PASSWORD, NAME = "rates", "database-secret", "rates"


def programs() -> Path:
    """Return the folder of its programs; skip where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if folders:
        return folders[-1].parent
    found = shutil.which("initdb")
    if found is None:
        pytest.skip("PostgreSQL is not installed")
    return Path(found).parent


class Postgres:
    """A server with one user and one database, which asks for the password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"postgres://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{NAME}"
        # Not in pytest's folder: the server refuses to run as root, and nobody else may look in there.
        self.data = Path(tempfile.mkdtemp(prefix="rates-postgres-"))
        self._as_user = []
        if os.getuid() == 0:
            shutil.chown(self.data, "postgres")
            self._as_user = ["runuser", "-u", "postgres", "--"]
        self._make()
        self.start()

    def _make(self) -> None:
        secret = self.data / "secret"
        secret.write_text(PASSWORD)
        command = [*self._as_user, programs() / "initdb", "--no-sync", "-A", "scram-sha-256", "-U", USER,
                   "--pwfile", secret, "-D", self.data / "data"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, cwd=self.data)

    def start(self) -> None:
        """Start it."""
        options = [f"-p{self.port}", "-cfsync=off", f"-cunix_socket_directories={self.data}",
                   "-clisten_addresses=127.0.0.1"]  # fmt: skip
        command = [*self._as_user, str(programs() / "postgres"), "-D", str(self.data / "data"), *options]
        self.process = Process("postgres", command, self.folder, os.environ, self.data)
        wait_until(self._answers, START, "PostgreSQL answers")

    def _answers(self) -> bool:
        where = f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD}"
        try:
            with psycopg.connect(f"{where} dbname=postgres", autocommit=True) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchall():
                    connection.execute(f"CREATE DATABASE {NAME}")
            return True
        except psycopg.OperationalError:
            return False

    def end(self) -> None:
        """End it and take its files away."""
        self.process.end()
        shutil.rmtree(self.data, ignore_errors=True)
