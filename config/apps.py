"""
Django's admin as an app of this project.

Tested in `tests/admin/test_start_page.py`.
"""

from django.contrib.admin.apps import AdminConfig


class StaffConfig(AdminConfig):
    """The admin, with our name and start page."""

    default_site = "config.staff_site.StaffSite"
