"""The pages as they leave the server: last known prices, marks of age and doubt, and nothing that a browser may run."""

import csv
import html
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from msgspec.structs import replace

from rates import store
from rates.history import archive
from rates.history.candles import MINUTE, Candle, floor_time
from rates.history.series import Instrument
from rates.models import Coin
from rates.publication import encode_row
from rates.store import Change
from rates.types import Currency, HistoryPoint, Rate, Row, time_text

pytestmark = pytest.mark.django_db


def publish(*rows: Row, ago: float = 0) -> None:
    """Store a board as the publishers would, *ago* seconds old."""
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    point = {row.symbol: HistoryPoint(str(row.rate.price), time_text(moment)) for row in rows if row.rate}
    fragments = {row.symbol: encode_row(row) for row in rows}
    store.update_board(lambda memory: Change(moment, fragments, {}, point))


def row(symbol: str = "BTC", price: str = "63250.12", source: str = "coingecko", ago: float = 0, **facts: bool) -> Row:
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    rate = Rate(symbol, Decimal(price), Decimal("1.24"), None, source, moment, moment)
    return Row(symbol, symbol.title(), rate, **facts)


def text_of(client: Client, path: str = "/", **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_page_shows_the_last_known_price_with_its_exact_value(client: Client) -> None:
    publish(row(price="63250.125"))
    page = text_of(client)
    assert "63,250.13" in page
    assert 'title="$63,250.125"' in page


def test_an_old_price_is_never_shown_as_live(client: Client) -> None:
    publish(row(ago=600), ago=600)
    page = text_of(client)
    assert 'class="card old"' in page
    assert "10 min old" in page
    assert 'data-state="delayed"' in page


def test_a_disputed_price_is_marked_in_words(client: Client) -> None:
    publish(row(disputed=True))
    assert re.search(r'data-part="tag">disputed<', text_of(client))


@pytest.mark.parametrize("path", ["/", "/coins/btc/"])
def test_a_change_that_its_source_does_not_tell_is_a_dash_and_no_number_over_another_period(
    client: Client, path: str
) -> None:
    unknown = row()
    assert unknown.rate is not None
    for price, ago in (("60000", 2), ("63250.12", 1)):
        publish(replace(unknown, rate=replace(unknown.rate, price=Decimal(price), change_24h_pct=None)), ago=ago)
    page = text_of(client, path)
    assert re.search(r'data-part="percent".*?—</span>', page, re.S)
    assert "%" not in re.sub(r'(style|class|d|content)="[^"]*"', "", page.split("<main")[1].split("<script")[0])


def test_simulated_prices_say_so(client: Client) -> None:
    publish(row(source="simulated"))
    page = text_of(client)
    assert '<span data-part="source" class="sim">simulated</span>' in page
    assert "simulated prices" in page


def test_before_the_first_publication_the_coins_wait(client: Client) -> None:
    Coin.objects.all().delete()
    Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin")
    page = text_of(client)
    assert "Bitcoin" in page
    assert "waiting" in page


def test_up_to_six_coins_are_cards_only_and_more_get_a_table(client: Client) -> None:
    publish(*(row(f"C{n}") for n in range(6)))
    assert '<section id="table" hidden>' in text_of(client)
    publish(*(row(f"C{n}") for n in range(7)))
    page = text_of(client)
    assert '<section id="table">' in page
    assert page.count('<li class="card" data-symbol="C') == 4


def test_rows_that_no_window_shows_are_data_and_a_link_leads_to_all(client: Client) -> None:
    for ago in (20, 10):
        publish(*(row(f"C{n}", price=f"{100 + ago}", ago=ago) for n in range(130)), ago=ago)
    client.cookies["pins"] = "C120"
    page = text_of(client)
    assert symbols_of_rows(page) == [f"C{n}" for n in range(100)]
    assert '<li class="card" data-symbol="C120">' in page
    assert "The first 100 of 130 coins." in page
    assert ">130 up<" in page
    board = board_of(page)
    assert len(board["rates"]) == 130
    assert {symbol for symbol, line in board["lines"].items() if len(line) > 1} == {f"C{n}" for n in (*range(100), 120)}
    assert {len(line) for line in board["starts"].values()} == {1}
    assert {*board["starts"], *board["lines"]} == {rate["symbol"] for rate in board["rates"]}
    whole = text_of(client, "/?all=1")
    assert len(symbols_of_rows(whole)) == 130
    assert "The first 100 of 130 coins." not in whole
    listed = ",".join(f"C{n}" for n in range(120))
    assert f'<a href="?all=1&amp;coins={quote(listed)}">' in text_of(client, f"/?coins={listed}")


def symbols_of_rows(page: str) -> list[str]:
    return re.findall(r'<tr role="row"[^>]* data-symbol="(\w+)"', page)


def board_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="board"[^>]*>(.*?)</script>', page)
    assert found
    board: dict[str, Any] = json.loads(found[1])
    return board


def test_no_page_has_anything_inline_that_the_policy_would_block(client: Client) -> None:
    publish(row())
    for path in ("/", "/coins/btc/", "/embed/btc/", "/?wall=1"):
        page = text_of(client, path)
        scripts = re.findall(r"<script([^>]*)>", page)
        assert all("src=" in script or 'type="application/json"' in script for script in scripts)
        assert not re.search(r'\sstyle=|\son\w+="', page)
        policy = client.get(path).headers["Content-Security-Policy"]
        assert "unsafe" not in policy


def test_static_files_carry_no_more_than_browsers_need_of_them(client: Client) -> None:
    """A page has thirty of them: each header that only pages need would cost 4 KiB."""
    answer = client.get("/static/dashboard/js/main.js")
    answer.close()
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Access-Control-Allow-Origin"] == "*", "other sites may import the client of the socket"
    assert not {"Content-Security-Policy", "X-Frame-Options", "Set-Cookie", "Content-Language"} & headers.keys()


def test_a_name_cannot_end_the_data_block(client: Client) -> None:
    publish(Row("BAD", "</script><script>alert(1)</script>", row("BAD").rate))
    page = text_of(client)
    assert "<script>alert" not in page
    board = re.search(r'<script id="board" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert board
    assert json.loads(board[1])["rates"][0]["name"].startswith("</script>")


def test_pages_follow_the_language_of_the_visitor(client: Client) -> None:
    publish(row())
    page = text_of(client, **{"Accept-Language": "de"})
    assert '<span class="head">63.250,12</span><span class="tail"></span><span class="cur">\u00a0$</span>' in page
    assert "Märkte" in page


@pytest.mark.parametrize(("quote", "sign"), [("eur", "€"), ("chf", "CHF\u00a0")])
def test_prices_carry_the_quote_currency_everywhere(client: Client, settings: Any, quote: str, sign: str) -> None:
    settings.QUOTE_CURRENCY = quote
    publish(row())
    for path in ("/", "/coins/btc/", "/embed/btc/", "/?wall=1"):
        page = text_of(client, path)
        assert f'<span class="cur">{sign}</span><span class="head">63,250.12</span>' in page
        assert f'title="{sign}63,250.12"' in page
        assert "$" not in re.sub(r"<(script|template).*?</\1>", "", page, flags=re.DOTALL)
    assert f"1 coin in {quote.upper()}" in text_of(client)
    assert f"{sign}63,250.12" in text_of(client, "/coins/btc.svg")


def test_the_page_is_in_the_currency_that_the_visitor_chose(client: Client) -> None:
    moment = datetime.now(UTC)
    worth = Currency("eur", "0.9", "0.5", "kraken", time_text(moment))
    fragments = {"BTC": encode_row(row(price="60000"))}
    store.update_board(lambda memory: Change(moment, fragments, {}, {}, currencies={"eur": worth}))
    client.cookies["currency"] = "eur"
    page = text_of(client, **{"Accept-Language": "de"})
    assert '<span class="head">54.000,00</span><span class="tail"></span><span class="cur">\u00a0€</span>' in page
    assert '<option value="eur" selected>EUR</option>' in page
    assert '<link rel="preload" as="fetch"' in (coin := text_of(client, "/coins/btc/"))
    assert coin.count("&amp;currency=eur") == 2
    client.cookies["currency"] = "nonsense"
    assert '<option value="usd" selected>USD</option>' in text_of(client)
    assert "€54,000.00" in text_of(client, "/coins/btc.svg?currency=eur")
    assert '<span class="cur">€</span>' in text_of(client, "/embed/btc/?currency=eur")


def test_the_badge_of_an_old_price_says_how_old(client: Client) -> None:
    publish(row(ago=600), ago=600)
    badge = text_of(client, "/coins/btc.svg")
    assert "$63,250.12 10 min old" in badge
    assert "#04724f" not in badge


@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_coin_gets_a_page_that_says_so(client: Client, settings: Any, debug: bool) -> None:
    settings.DEBUG = debug
    publish(row())
    answer = client.get("/coins/nope/")
    assert answer.status_code == 404
    assert "the coin is not on the board" in answer.content.decode()


def test_a_badge_says_what_is_simulated_and_what_waits(client: Client) -> None:
    publish(row(source="simulated"))
    badge = text_of(client, "/coins/btc.svg")
    assert "$63,250.12 simulated</text>" in badge
    publish(Row("BTC", "Bitcoin"))
    badge = text_of(client, "/coins/btc.svg")
    assert "<title>Bitcoin: waiting for a price  (waiting)</title>" in badge
    assert "$" not in badge


def test_a_page_asks_again_for_the_lines_of_its_coins_and_why_prices_are_late(client: Client) -> None:
    for price, ago in (("63000", 60), ("64000", 2)):
        publish(row(price=price), row("ETH"), ago=ago)
    lines = client.get("/lines?symbols=btc").json()
    assert [price for _, price in lines["BTC"]] == [63000, 64000]
    assert list(lines) == ["BTC"]
    assert set(client.get("/lines").json()) == {"BTC", "ETH"}
    now = datetime.now(UTC).timestamp()
    store.update_healths(lambda stored: {"coingecko": {"asked_at": now, "paused_until": now + 60}})
    assert list(client.get("/pauses").json()) == ["coingecko"]


def test_table_and_file_of_a_coin_have_no_candle_from_before_the_range(client: Client) -> None:
    Coin.objects.get_or_create(symbol="BTC", defaults={"name": "Bitcoin", "coingecko_id": "bitcoin"})
    publish(row())
    now = floor_time(datetime.now(UTC).timestamp(), MINUTE)
    for age, price in ((2, "5011"), (90, "6011")):
        candle = Candle(now - age * MINUTE, *4 * [Decimal(price)], 1, "kraken", False)
        archive.write_candles(MINUTE, {Instrument("bitcoin", "usd"): [candle]})
    client.cookies["range"] = "1h"
    page = text_of(client, "/coins/btc/")
    assert "5,011.00" in page
    assert "6,011.00" not in page
    link = re.search(r'id="csv" href="([^"]*)"', page)
    assert link
    assert [row["close"] for row in csv.DictReader(text_of(client, html.unescape(link[1])).splitlines())] == ["5011"]
    client.cookies["range"] = "24h"
    assert "6,011.00" in text_of(client, "/coins/btc/")
