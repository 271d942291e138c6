"""
Health check of a container: whether a process of this host still reports: `manage.py check_process worker`.

Tested in `tests/test_check_process.py`.
"""

import socket
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rates import store
from rates.exceptions import StoreUnavailable
from rates.telemetry.reports import running


class Command(BaseCommand):
    """`manage.py check_process`: exit code 1 when no process of that kind reports from this host."""

    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the kind of process."""
        parser.add_argument("kind", choices=("web", "worker", "beat", "stream"))

    def handle(self, *args: Any, **options: Any) -> None:
        """
        Look for its report.

        While Redis is down no process can report, and restarting would not help, so that does not count as a failure.
        """
        try:
            names = running(store.load_processes(), time.time())
        except StoreUnavailable as error:
            self.stdout.write(f"unknown: {error}")
            return
        mine = f"{options['kind']}:{socket.gethostname()}:"
        if not any(name.startswith(mine) for name in names):
            raise CommandError(f"no {options['kind']} process of this host reports")
