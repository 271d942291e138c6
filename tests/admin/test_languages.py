"""Whoever reads German reads German: pages of the admin, reasons of the engine, errors of an import."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from rates.admin.reasons import STATES, translate_reason, translate_state
from tests.admin.test_coins import act, coins, form, show, upload  # noqa: F401 - the fixture

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = [
    reverse("admin:index"),
    reverse("admin:rates_coin_changelist"),
    reverse("admin:rates_coin_add"),
    reverse("admin:rates_coin_import"),
    reverse("admin:rates_coin_system"),
]
# What is the same word in both languages, or nobody's word.
SAME = {
    *("admin", "Bitcoin", "Ethereum", "Stellar", "bitcoin", "CoinGecko", "coingecko", "binance", "kraken"),
    *("binance stream", "kraken stream", "Name", "Import", "System", "Test", "Coin", "Coins", "live", "Status"),
    *("Position", "Symbol", "Logo", "English", "Deutsch", "Filter"),
}
# A symbol, a pair, or a time.
MARKET = re.compile(r"[A-Z]{3,8}(/USD)?|[-\d]+ [:\d]+ UTC")


class Texts(HTMLParser):
    """Collects what a page shows, and the values of its buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._skips = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skips += tag in ("script", "style")
        named = dict(attrs)
        if tag == "input" and named.get("type") == "submit":
            self.found.add(str(named["value"]))

    def handle_endtag(self, tag: str) -> None:
        self._skips -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._skips and re.search(r"[A-Za-z]{3}", data):
            self.found.add(" ".join(data.split()).strip(" .:›"))


def read(client: Client, address: str, language: str) -> set[str]:
    return Texts(client.get(address, headers={"Accept-Language": language}).content.decode()).found


@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_no_english_left(admin_client: Client, coins, address: str) -> None:  # noqa: F811
    show({"BTC": "63250.12"})
    both = read(admin_client, address, "en") & read(admin_client, address, "de")
    assert {text for text in both if not MARKET.fullmatch(text)} <= SAME


def test_what_actions_and_imports_say_is_german(admin_client: Client, coins) -> None:  # noqa: F811
    with translation.override("de"):
        admin_client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
        assert "Nicht mehr auf der Kurstafel: BTC" in act(admin_client, "disable", coins[:1]).content.decode()
        assert "Kraken: nicht erreichbar" in act(admin_client, "fetch_now", coins).content.decode()
        page = upload(admin_client, b"symbol,name,coingecko_id,enabled\nDOGE,Doge,dogecoin,perhaps\n")
        assert "erlaubt: true, false" in page


def raised() -> Iterator[str]:
    """Yield what each error of a source says, with X for what is filled in."""
    for path in sorted((Path(settings.BASE_DIR) / "rates/sources").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if re.fullmatch(r"Source[A-Z]\w+", name) and len(node.args) > 1:  # type: ignore[attr-defined]
                yield from spell(node.args[1])  # type: ignore[attr-defined]


def spell(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)


def test_every_reason_of_a_source_is_translated() -> None:
    reasons = set(raised()) - {"X (X)"}
    assert len(reasons) > 20
    with translation.override("de"):
        assert [reason for reason in reasons if translate_reason(f"kraken: {reason}") == f"kraken: {reason}"] == []


def test_a_reason_keeps_what_it_is_about_and_a_vendors_own_words() -> None:
    with translation.override("de"):
        assert translate_reason("binance stream: the stream was silent for 5 s") == (
            "binance stream: der Stream schwieg 5 s lang"
        )
        assert translate_reason("kraken: paused for another 9 s: asked too often") == (
            "kraken: noch 9 s pausiert: zu oft gefragt"
        )
        assert translate_reason("Kraken's BTC/USD is far from this coin's price (7 %): not used").endswith(
            "entfernt (7 %): nicht verwendet"
        )
        assert translate_reason("EGeneral:Internal error") == "EGeneral:Internal error"
        assert [state for state in STATES if translate_state(state) == state] == ["live"]


def test_a_form_says_what_is_wrong_in_one_language(admin_client: Client, coins) -> None:  # noqa: F811
    admin_client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    page = admin_client.post(reverse("admin:rates_coin_add"), form(symbol="a b", coingecko_id="Nope!")).content.decode()
    errors = re.findall(r'<ul class="errorlist"[^>]*><li>(.*?)</li>', page)
    assert errors
    assert not [error for error in errors if re.search(r"\b(Use|Enter|This|with|the)\b", error)]
