"""`make clean`: remove the virtual environment and all local data, unless the service runs from this folder."""

import shutil

from config import folder
from config.folder import BASE_DIR, DATA_DIR

# Seconds for the embedded Redis to end after the last process that used it.
LAST_MOMENTS = 3.0
RUNNING = "The service is running from this folder; stop it first. Nothing was removed."


def main() -> None:
    """Remove them while nobody can start the service."""
    with folder.own_files():
        locks = [folder.lock(name, timeout=LAST_MOMENTS, otherwise=RUNNING) for name in ("in_use.lock", "redis.lock")]
        for path in (DATA_DIR, *(BASE_DIR / name for name in (".venv", "static", "tests/clients/node_modules"))):
            if path.is_symlink():
                path.unlink()
            elif path.exists():
                shutil.rmtree(path)
        for lock in locks:
            lock.close()


if __name__ == "__main__":
    main()
