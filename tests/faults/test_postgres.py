"""The tables on a real PostgreSQL."""

from contextlib import ExitStack
from pathlib import Path

from tests.faults.postgres import Postgres
from tests.test_upgrades import check_migrations


def test_tables_go_back_to_nothing_and_come_again(tmp_path: Path, stack: ExitStack) -> None:
    database = Postgres(tmp_path)
    stack.callback(database.end)
    check_migrations(database.url)
