"""The dashboard application: the pages. They read and write nothing."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The pages."""

    name = "dashboard"
