"""The URLs of the pages."""

from django.conf.urls.i18n import urlpatterns as i18n_urls
from django.urls import include, path

from dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.show_board, name="board"),
    path("coins/<str:symbol>.svg", views.show_badge, name="badge"),
    path("coins/<str:symbol>/", views.show_coin, name="coin"),
    path("embed/<str:symbol>/", views.show_embed, name="embed"),
    path("i18n/", include((i18n_urls, "i18n"))),
]
