"""
The Celery application: `celery -A config worker -B`.

Tested in `tests/config/test_beat.py`, and with real processes in `tests/test_processes.py`.
"""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init
from django.conf import settings

from config import local
from config.celery.schedule import SlotSchedule
from config.logging import configure

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# The web process runs Django's checks; here they would load every page and the admin, 10 MB in each process.
os.environ.setdefault("CELERY_SKIP_CHECKS", "True")

logger = logging.getLogger(__name__)

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "refresh_rates": {
        "task": "rates.tasks.refresh_rates",
        "schedule": SlotSchedule(settings.RATES_REFRESH_INTERVAL),
    },
}


@setup_logging.connect  # type: ignore[untyped-decorator]
def use_our_logging(**_: Any) -> None:
    """Log as every other process does; with a receiver of this signal Celery installs no handlers of its own."""
    configure(settings.LOGGING)


@worker_init.connect  # type: ignore[untyped-decorator]
@beat_init.connect  # type: ignore[untyped-decorator]
def prepare_start(**_: Any) -> None:
    """Prepare what this folder has of its own, and refuse settings that cannot work with one line each."""
    from rates import checks  # noqa: PLC0415 - Django's applications are loaded by now, but not at import

    local.prepare()
    checks.refuse_bad_start()


@worker_init.connect  # type: ignore[untyped-decorator]
def warn_root(**_: Any) -> None:
    """Say in one line what Celery says in seven."""
    if os.geteuid() == 0:
        logger.warning("this worker runs as root; give it a user of its own")
