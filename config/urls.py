"""Every address that the project answers."""

from django.contrib import admin
from django.urls import include, path

from rates.admin.login_throttle import throttled

admin.autodiscover()
urlpatterns = [
    path("admin/login/", throttled(admin.site.login)),
    path("admin/", admin.site.urls),
    path("", include("rates.api.urls")),
    path("", include("rates.coingecko_api.urls")),
    path("", include("dashboard.urls")),
]
