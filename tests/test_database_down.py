"""What a page answers while the database fails; `tests/faults/test_disk.py` has a database that is gone or full."""

import logging

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path


def ask_database(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM missing_table")
    return HttpResponse()


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError("not about the database")


urlpatterns = [path("ask", ask_database), path("fail", fail), path("", include("config.urls"))]


@pytest.fixture(autouse=True)
def pages(settings, db) -> None:
    settings.ROOT_URLCONF = __name__


def test_a_page_that_needs_the_database_is_503_with_the_reason_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "rates.database_down"):
        answer = Client().get("/ask")
    assert answer.status_code == 503
    assert "no such table: missing_table" in answer.content.decode()
    lines = [record for record in caplog.records if record.name == "rates.database_down"]
    assert [record.getMessage() for record in lines] == [
        "/ask needs the database: no such table: missing_table; run manage.py migrate"
    ]
    assert lines[0].exc_info is None


def test_other_errors_are_not_blamed_on_the_database() -> None:
    assert Client(raise_request_exception=False).get("/fail").status_code == 500
