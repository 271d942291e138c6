"""A PostgreSQL of the test's own in a temporary folder, and a PgBouncer; Debian has the programs off the PATH."""

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


def as_user(folder: Path) -> list[str]:
    """Return what a command begins with that must not run as root, and hand *folder* to its user."""
    if os.getuid():
        return []
    shutil.chown(folder, "postgres")
    # Not `runuser`, which stays between and stops itself when the server is frozen.
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


class Postgres:
    """A server with one user and one database, which asks for the password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"postgres://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{NAME}"
        # Not in pytest's folder: the server refuses to run as root, and nobody else may look in there.
        self.data = Path(tempfile.mkdtemp(prefix="rates-postgres-"))
        self._as_user = as_user(self.data)
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

    def stop(self) -> None:
        """Stop it as an operator does, without waiting for its clients."""
        self.control("stop", "-m", "fast")
        self.process.popen.wait(START)

    def control(self, *words: str) -> None:
        """Run `pg_ctl`."""
        command = [*self._as_user, programs() / "pg_ctl", *words, "-D", self.data / "data"]
        subprocess.run(command, check=True, capture_output=True, cwd=self.data)

    def end(self) -> None:
        """End it and take its files away."""
        self.process.end()
        shutil.rmtree(self.data, ignore_errors=True)


class Bouncer:
    """A PgBouncer on *port* with two connections to the PostgreSQL on another; all else as it comes."""

    def __init__(self, folder: Path, port: int, target: int) -> None:
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.skip("PgBouncer is not installed")
        self.data = Path(tempfile.mkdtemp(prefix="rates-pgbouncer-"))
        (self.data / "users").write_text(f'"{USER}" "{PASSWORD}"\n')
        (self.data / "pgbouncer.ini").write_text(
            f"[databases]\n{NAME} = host=127.0.0.1 port={target}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {self.data}/users\n"
            "pool_mode = transaction\ndefault_pool_size = 2\n"
        )
        command = [*as_user(self.data), program, str(self.data / "pgbouncer.ini")]
        self.process = Process("pgbouncer", command, folder, os.environ, self.data)
        self.url = f"postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/{NAME}"
        wait_until(lambda: self.process.lines("process up"), START, "PgBouncer is up")

    def end(self) -> None:
        """End it and take its files away."""
        self.process.end()
        shutil.rmtree(self.data, ignore_errors=True)
