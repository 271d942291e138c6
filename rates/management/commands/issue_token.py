"""
`manage.py issue_token NAME --ttl 1h`: a token for tests and small deployments.

Tested in `tests/fanout/test_tokens.py`.
"""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from rates.fanout.tokens import issue_token

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def lifetime(text: str) -> timedelta:
    """Return how long a token is valid: ``90s``, ``15m``, ``1h``, ``7d``."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if not match or int(match[1]) == 0:
        raise ArgumentTypeError(f"{text!r} is not a number with s, m, h or d, such as 1h")
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


class Command(BaseCommand):
    """Print a token that opens `/ws/rates`."""

    help = "Print a token for NAME, signed with RATES_JWT_KEY, that opens /ws/rates when RATES_WS_AUTH=jwt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the name and the lifetime."""
        parser.add_argument("name")
        parser.add_argument("--ttl", type=lifetime, default=timedelta(hours=1), help="90s, 15m, 1h, 7d (default: 1h)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the token, and nothing else on stdout."""
        if not settings.RATES_JWT_KEY:
            raise CommandError("RATES_JWT_KEY is empty: set the shared secret first")
        try:
            self.stdout.write(issue_token(options["name"], options["ttl"]))
        except ValueError as error:
            raise CommandError(str(error)) from None
        if settings.RATES_WS_AUTH == "public":
            self.stderr.write("RATES_WS_AUTH=public: /ws/rates asks for no token; set it to jwt for that.")
