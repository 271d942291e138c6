"""
The admin under our name; its start page says what is wrong now.

Tested in `tests/admin/test_start_page.py`.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy


class StaffSite(admin.AdminSite):
    """Django's admin with our start page."""

    site_header = gettext_lazy("Crypto rates")
    site_title = gettext_lazy("Crypto rates")
    index_title = gettext_lazy("Staff")
    index_template = "admin/rates/index.html"
    # The list of coins needs the width; there is little else to go to.
    enable_nav_sidebar = False

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show what is wrong now, to those who may see the coins."""
        from rates.admin.problems import find_problems  # noqa: PLC0415 - its models need the loaded apps

        may_see = request.user.has_perm("rates.view_coin")
        return super().index(request, {"problems": list(find_problems()) if may_see else None, **(extra_context or {})})
