"""
The project's folder, and what it keeps on this machine in `var/`, which only its owner reads.

    secret_key, jwt_key, redis.password    secrets, made when they are first needed
    db.sqlite3                             the database
    redis.*                                the embedded Redis
    run.lock                               held by `make run`
    in_use.lock                            shared by all processes of the service, and by nobody when none runs
    prepare.lock                           held by whoever makes a secret or brings the database up to date

Locks end with the processes that hold them, however those end. Nothing but the standard library: `make clean` runs
this with any Python.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES
from functools import cache
from pathlib import Path
from secrets import token_urlsafe
from typing import IO

from config.console import refuse_start

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / "var"
# Seconds for another process to prepare the database, or to end the embedded Redis.
LOCK_TIMEOUT = 60.0


@contextmanager
def own_files() -> Iterator[None]:
    """Refuse to start, in one line, where files of this folder cannot be used."""
    try:
        yield
    except OSError as error:
        path = Path(error.filename or BASE_DIR)
        refuse_start(f"{path}: {error.strerror or error}{_owner(path)}.")


def _owner(path: Path) -> str:
    """Return whose *path* is, where it is another person's, and what to do about it."""
    place = next(parent for parent in (path, *path.parents) if os.path.lexists(parent))
    if place.lstat().st_uid == os.geteuid():
        return ""
    try:
        name = place.owner()
    except KeyError:
        name = f"user {place.lstat().st_uid}"
    return (
        f"; {place} belongs to {name}, and this is user {os.geteuid()}: use a folder of your own, or let root run "
        f"`install -d -o {os.geteuid()} {DATA_DIR}`"
    )


def check_writable(path: Path) -> None:
    """
    Check that *path*, a file that may be there or not, can be written.

    Raises:
        PermissionError: it cannot, or nothing can be made beside it, as SQLite has to.
    """
    for needed in (path.parent, path):
        if needed.exists() and not os.access(needed, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES), str(needed))


@own_files()
def local_secret(name: str) -> str:
    """Return the secret of that *name*; it is made on first use."""
    path = open_data_dir() / name
    if not path.exists():
        with lock("prepare.lock"):
            if not path.exists():
                # Whoever finds it finds the whole of it.
                part = path.with_suffix(".part")
                with private_file(part) as file:
                    file.write(token_urlsafe(64))
                part.replace(path)
    return path.read_text().strip()


def open_data_dir() -> Path:
    """Return `var/`, which is made on first use."""
    DATA_DIR.mkdir(mode=0o700, exist_ok=True)
    return DATA_DIR


def private_file(path: Path) -> IO[str]:
    """Return a file to write that only its owner may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w")


@cache
def join() -> int:
    """Be one of the processes that use this folder until this one ends; return the descriptor that holds the lock."""
    with lock("in_use.lock", fcntl.LOCK_SH) as file:
        return os.dup(file.fileno())


def lock(name: str, kind: int = fcntl.LOCK_EX, timeout: float = LOCK_TIMEOUT, otherwise: str = "") -> IO[str]:
    """Return the lock of that *name*, held until it is closed; what is said *otherwise* after *timeout* seconds."""
    file = private_file(open_data_dir() / name)
    deadline = time.monotonic() + timeout
    while not take(file, kind):
        if time.monotonic() > deadline:
            refuse_start(otherwise or f"Another process keeps {file.name} locked; end it, and start again.")
        time.sleep(0.05)
    return file


def take(file: IO[str], kind: int = fcntl.LOCK_EX) -> bool:
    """Return whether this process could take the lock in *file*, without waiting."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
