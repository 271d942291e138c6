"""The dashboard application: the pages, which only read."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The pages people watch."""

    name = "dashboard"
