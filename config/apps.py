"""
Django's admin as an app of this project.

Tested in `tests/admin/test_start_page.py`.
"""

from typing import Any

from django.contrib.admin import autodiscover
from django.contrib.admin import checks as admin_checks
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.checks import CheckMessage, Tags, register


class StaffConfig(SimpleAdminConfig):
    """
    The admin, with our name and start page.

    Its pages are loaded where they are shown (`config.urls`) and checked: a worker has no use for them.
    """

    default_site = "config.staff_site.StaffSite"

    def ready(self) -> None:
        """Check the pages; Django's own check would find none of them."""
        register(admin_checks.check_dependencies, Tags.admin)
        register(check_pages, Tags.admin)


def check_pages(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Load the pages, and return what is wrong with them."""
    autodiscover()
    return admin_checks.check_admin_app(app_configs, **options)
