"""The proxies of `deploy/` as they run here: nothing is changed but ports, folders and the certificate."""

import os
import re
import signal
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from socket import create_connection

from tests.config.test_containers import program
from tests.faults.names import NameServer
from tests.faults.processes import BIN, ROOT, START, Process, wait_until
from tests.nginx import local_configuration, make_certificate
from tests.ports import free_port

HOST = "rates.example.com"
APACHE_MODULES = (
    "mpm_event", "authz_core", "alias", "headers", "proxy", "proxy_http", "proxy_wstunnel", "socache_shmcb", "ssl",
)  # fmt: skip


@dataclass
class Front:
    """
    A proxy that runs.

    Attributes:
        port: where it terminates TLS, on 127.0.0.1.
        configuration: its file.
        reread: makes it read the file again.
    """

    process: Process
    port: int
    configuration: Path
    trust: ssl.SSLContext
    reread: Callable[[], object]

    def ask(self, path: str, **headers: str) -> HTTPResponse:
        """Return the answer, read, with `text` besides status and headers."""
        with self.open(path, **headers) as answer:
            answer.text = answer.read().decode()  # type: ignore[attr-defined]
        return answer

    @contextmanager
    def open(self, path: str, **headers: str) -> Iterator[HTTPResponse]:
        """Yield the answer, to be read as it comes."""
        connection = HTTPSConnection(HOST, self.port, timeout=20)
        raw = create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sock = self.trust.wrap_socket(raw, server_hostname=HOST)
        with closing(connection):
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            yield connection.getresponse()

    def answers(self, path: str, status: int) -> bool:
        """Return whether *path* has *status*."""
        try:
            return self.ask(path).status == status
        except OSError:
            return False

    def reload(self) -> None:
        """Change the status of what is not forwarded from 404 to 410, and wait until that is in force."""
        text = self.configuration.read_text()
        assert " 404" in text
        self.configuration.write_text(text.replace(" 404", " 410"))
        self.reread()
        wait_until(lambda: self.answers("/metrics", 410), START, "the change is in force")


def start_front(kind: str, folder: Path, web: int, stack: ExitStack) -> Front:
    """Start the proxy in front of the *web* on that port of 127.0.0.1; skip where it is not installed."""
    certificate = make_certificate(folder)
    ports = {"http": free_port(), "https": free_port(), "web": web}
    write, reread = {
        "nginx": (_nginx, signal.SIGHUP), "haproxy": (_haproxy, signal.SIGUSR2),
        "apache": (_apache, signal.SIGUSR1), "caddy": (_caddy, signal.SIGUSR1),
    }[kind]  # fmt: skip
    configuration, command = write(folder, ports, stack)
    environment = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    process = Process(kind, command, folder, environment, folder)
    stack.callback(process.end)
    trust = ssl.create_default_context(cafile=str(certificate))
    front = Front(process, ports["https"], configuration, trust, lambda: process.signal(reread))
    wait_until(lambda: front.answers("/healthz", 200), START, f"{kind} answers")
    return front


def _nginx(folder: Path, ports: dict[str, int], stack: ExitStack) -> tuple[Path, list[str]]:
    names = stack.enter_context(NameServer(["127.0.0.1"]))
    configuration = local_configuration(folder, **ports, names=names.port)
    return configuration, [program("nginx"), "-c", str(configuration), "-e", f"{folder}/error.log", "-g", "daemon off;"]


def _haproxy(folder: Path, ports: dict[str, int], _: ExitStack) -> tuple[Path, list[str]]:
    pem = folder / "rates.pem"
    pem.write_text("".join((folder / name).read_text() for name in ("fullchain.pem", "privkey.pem")))
    changes = {
        "bind :80": f"bind 127.0.0.1:{ports['http']}", "bind :443": f"bind 127.0.0.1:{ports['https']}",
        "/etc/haproxy/tls/rates.pem": str(pem), "127.0.0.1:8000": f"127.0.0.1:{ports['web']}",
    }  # fmt: skip
    path = _write("haproxy.cfg", folder, changes)
    return path, [program("haproxy"), "-W", "-db", "-f", str(path)]


def _apache(folder: Path, ports: dict[str, int], _: ExitStack) -> tuple[Path, list[str]]:
    server = program("apache2")
    head = [
        *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES),
        f"ServerRoot {folder}", f"PidFile {folder}/apache.pid", "ErrorLog /dev/stderr",
        "User www-data", "Group www-data", f"Mutex file:{folder}",
        f"Listen 127.0.0.1:{ports['http']}", f"Listen 127.0.0.1:{ports['https']}",
    ]  # fmt: skip
    changes = {
        "*:80>": f"*:{ports['http']}>", "*:443>": f"*:{ports['https']}>", "/etc/apache2/tls": str(folder),
        "127.0.0.1:8000": f"127.0.0.1:{ports['web']}",
    }  # fmt: skip
    path = _write("apache.conf", folder, changes, "\n".join(head))
    return path, [server, "-f", str(path), "-DFOREGROUND"]


def _caddy(folder: Path, ports: dict[str, int], _: ExitStack) -> tuple[Path, list[str]]:
    head = f"{{\n\tadmin off\n\thttp_port {ports['http']}\n\thttps_port {ports['https']}\n}}"
    changes = {
        "rates.example.com {": f"rates.example.com {{\n\ttls {folder}/fullchain.pem {folder}/privkey.pem",
        "127.0.0.1:8000": f"127.0.0.1:{ports['web']}",
    }
    path = _write("Caddyfile", folder, changes, head)
    return path, [program("caddy"), "run", "--config", str(path)]


def _write(name: str, folder: Path, changes: dict[str, str], head: str = "") -> Path:
    """Write `deploy/<name>` with *changes*, behind *head*."""
    text = (ROOT / "deploy" / name).read_text()
    for old, new in changes.items():
        assert old in text, f"deploy/{name} has no {old!r} any more"
        text = re.sub(re.escape(old), lambda _, new=new: new, text)
    path = folder / name
    path.write_text(f"{head}\n{text}")
    return path
