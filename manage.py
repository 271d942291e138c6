#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    """Run a command, with what this folder has of its own prepared for it."""
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - Ctrl-C may come while it is read
    from django.db import OperationalError, ProgrammingError  # noqa: PLC0415

    from config import local  # noqa: PLC0415
    from config.console import refuse_start  # noqa: PLC0415
    from rates.exceptions import one_line  # noqa: PLC0415

    local.prepare_for(*sys.argv[1:2])
    try:
        execute_from_command_line(sys.argv)
    except (OperationalError, ProgrammingError) as error:
        if "--traceback" in sys.argv:
            raise
        refuse_start(f"The database cannot be used: {one_line(error)}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
