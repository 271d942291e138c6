"""The page about the API."""

from html import unescape

import pytest
from django.test import Client

from rates.api.documents import load_document
from rates.fanout.hub import get_hub
from tests.boards import save

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def board() -> None:
    get_hub.cache_clear()
    save(BTC="63250.12")


def read_page(language: str = "en") -> str:
    answer = Client().get("/api/", headers={"Accept-Language": language}, secure=True)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_every_operation_is_there_with_an_example_and_the_present_answer() -> None:
    page = read_page()
    for path, operations in load_document("openapi")["paths"].items():
        for method in operations:
            assert f"<b>{method.upper()}</b> {path}<" in page
    assert "curl 'https://testserver/api/rates/BTC/at?time=2026-11-20T12:34:56Z'" in page
    assert """curl -d '{"wanted": [{"symbol": "BTC",""" in page
    assert '"price": "63250.12"' in page


def test_it_is_german_for_who_reads_german() -> None:
    page = read_page("de")
    assert all(text in page for text in ('lang="de"', "Kerzen eines Coins", "Öffnen"))


def test_it_loads_nothing_from_elsewhere_and_no_script() -> None:
    page = read_page()
    assert "<script" not in page
    assert 'src="http' not in page
