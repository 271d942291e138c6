"""
`make run`: everything on this machine, in the foreground, from the Procfile.

    launcher: this folder, once ─► prepare: checks, migrate, seed_coins ─► supervisor: runs all

One process becomes the next, so that the last, which lives on, has loaded only what it needs. Whatever stops the start
is one line on stderr.
"""

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from config import embedded_redis, folder
from config.console import refuse_start
from config.environment.readers import load_dotenv, text
from config.folder import BASE_DIR


def main() -> int:
    """Take this folder, and go on to prepare it."""
    try:
        with folder.own_files():
            only_one = folder.private_file(folder.open_data_dir() / "run.lock")
            if not folder.take(only_one):
                refuse_start("The service is already running from this folder; stop it first (Ctrl-C there).")
            # Both locks are held to the end.
            for descriptor in (only_one.fileno(), folder.join()):
                os.set_inheritable(descriptor, True)
        load_dotenv()
        if not (text("REDIS_URL") or text("REDIS_HOST")):
            os.environ["REDIS_URL"] = embedded_redis.address()
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        os.chdir(BASE_DIR)
        become("config.prepare")
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def become(module: str, *arguments: str) -> NoReturn:
    """Go on as the program *module*, in this process."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


if __name__ == "__main__":
    sys.exit(main())
