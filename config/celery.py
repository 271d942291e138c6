"""The Celery application: `celery -A config worker -B`."""

import os

from celery import Celery
from django.conf import settings

from config.schedule import slots

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "refresh-rates": {
        "task": "rates.tasks.refresh_rates",
        "schedule": slots(settings.RATES_REFRESH_INTERVAL),
        # A tick that waited longer than an interval is worth nothing: the next one is there.
        "options": {"expires": settings.RATES_REFRESH_INTERVAL},
    },
}
