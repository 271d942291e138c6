"""Whole lists of real coins: 3,000 rows of CoinGecko's own `coins/list`, imported, exported and imported again."""

import csv
import gzip
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from rates.models import Coin
from rates.symbols import find_fault, fold

pytestmark = pytest.mark.django_db(transaction=True)
# The top 3,000 by market value of 2025-02-14 (package `trading-strategy` 0.28), with symbol and name of `coins/list` on
# 2026-05-12 (repository allenplay7/tg_trade) where it still has them.
DATA = gzip.decompress((Path(__file__).parents[1] / "data" / "coins_list_3000.csv.gz").read_bytes())
ROWS = list(csv.DictReader(DATA.decode().splitlines()))


def preview(client: Client, data: bytes) -> HttpResponse:
    return client.post(reverse("admin:rates_coin_import"), {"file": SimpleUploadedFile("coins.csv", data)})


def test_3000_real_coins_are_imported_each_with_a_symbol_of_its_own(admin_client: Client) -> None:
    page = preview(admin_client, DATA)
    assert page.context["plan"].errors == []
    admin_client.post(reverse("admin:rates_coin_import"), {"confirm": page.context["signed"]})
    symbols = dict(Coin.objects.values_list("coingecko_id", "symbol"))
    assert symbols.keys() == {row["id"] for row in ROWS}
    assert len({fold(symbol) for symbol in symbols.values()}) == len(ROWS) == 3000
    assert [symbol for symbol in symbols.values() if find_fault(symbol)] == []
    # The first of several namesakes has the plain symbol; none has a pair that was made of it.
    assert (symbols["moo-deng"], symbols["moo-deng-2"]) == ("MOODENG", "MOODENG.2")
    assert not Coin.objects.exclude(binance_symbol="", kraken_symbol="").exists()
    everything = {"action": "export_csv", "_selected_action": [Coin.objects.first().pk], "select_across": 1}
    exported = admin_client.post(reverse("admin:rates_coin_changelist"), everything)
    again = preview(admin_client, exported.content)
    assert (again.context["plan"].errors, again.context["plan"].unchanged) == ([], 3000)


def test_no_cell_of_an_export_is_a_formula_and_it_is_read_again_as_it_was(admin_client: Client) -> None:
    coin = Coin.objects.create(symbol="SUM", name="=SUM(A1:A9)", coingecko_id="sum", position=0)
    export = {"action": "export_csv", "_selected_action": [coin.pk]}
    exported = admin_client.post(reverse("admin:rates_coin_changelist"), export).content
    assert b"SUM,'=SUM(A1:A9),sum" in exported
    again = preview(admin_client, exported)
    assert (again.context["plan"].errors, again.context["plan"].unchanged) == ([], 1)
