"""The URLs of the pages."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.i18n import set_language

from dashboard import views
from dashboard.api_page import show_api
from rates.admin.login_throttle import throttled

app_name = "dashboard"
urlpatterns = [
    path("", views.show_board, name="board"),
    path("lines", views.show_lines, name="lines"),
    path("pauses", views.show_pauses, name="pauses"),
    path("coins/<str:symbol>.svg", views.show_badge, name="badge"),
    path("coins/<str:symbol>/", views.show_coin, name="coin"),
    path("embed/<str:symbol>/", views.show_embed, name="embed"),
    path("api/", show_api, name="api"),
    path("login/", throttled(LoginView.as_view(template_name="dashboard/login.html")), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("i18n/", include(([path("setlang/", login_not_required(set_language), name="set_language")], "i18n"))),
]
