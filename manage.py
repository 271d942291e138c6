#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    """Run a command, with what this folder has of its own prepared for it."""
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - Ctrl-C may come while it is read

    from config import local  # noqa: PLC0415

    local.prepare_for(*sys.argv[1:2])
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
