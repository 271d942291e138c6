"""
The coin list as a file, CSV or JSON: exported, previewed, and imported completely or not at all.

Rows of CoinGecko's own `coins/list` (id, symbol, name) are read too. It writes all symbols in small letters and has
many namesakes: such a row gets a symbol in capitals, and one of its own where another coin has that already.

Tested in `tests/admin/test_coins.py`.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from rates.models import Coin, propose_symbol
from rates.spreadsheets import escape_cell, unescape_cell
from rates.symbols import clean_symbol, fold, spell_pair

EXCHANGES = ("binance", "kraken")
FIELDS = (
    *("symbol", "name", "coingecko_id"),
    *(f"{exchange}_{what}" for exchange in EXCHANGES for what in ("symbol", "factor", "verified")),
    *("enabled", "position"),
)
TRUTHS = ("enabled", "binance_verified", "kraken_verified")
NUMBERS = ("position", "binance_factor", "kraken_factor")
# What a file need not say, and a coin from before pairs were kept has not: an empty value leaves them as they are.
OPTIONAL = ("position", "binance_factor", "binance_verified", "kraken_factor", "kraken_verified")
MAX_FILE_BYTES = 1_000_000
MAX_COINS = 5000
# Spreadsheets write their own words for them, in the language of their user.
TRUE = ("true", "1", "yes", "on", "wahr", "ja", "vrai", "verdadero", "vero")
FALSE = ("false", "0", "no", "off", "falsch", "nein", "faux", "falso")
# With the decimals that a spreadsheet may add. `isdigit` accepts superscripts too; the field itself refuses what is too
# large for the database.
WHOLE = re.compile("([0-9]{1,18})(?:[.,]0{1,10})?")
DELIMITERS = ",;\t"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class BadFile(Exception):
    """Raised when a file is not a list of coins at all."""


@dataclass
class Plan:
    """
    What an import would do.

    Attributes:
        new, changed: the coins as they would be saved; `changed` with the fields that differ.
        errors: one line each, beginning with the line or entry number of the file where it is about one.
        warnings: what could not be checked.
    """

    new: list[Coin] = field(default_factory=list)
    changed: list[tuple[Coin, list[str]]] = field(default_factory=list)
    unchanged: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def write_csv(coins: Iterable[Coin]) -> str:
    """Return *coins* as CSV with a header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    writer.writerows(_map_texts(escape_cell, coin_fields(coin)) for coin in coins)
    return text.getvalue()


def write_json(coins: Iterable[Coin]) -> str:
    """Return *coins* as a JSON list of objects."""
    return json.dumps([coin_fields(coin) for coin in coins], indent=2, ensure_ascii=False) + "\n"


def coin_fields(coin: Coin) -> dict[str, Any]:
    """Return the fields of *coin* that a file contains."""
    return {name: getattr(coin, name) for name in FIELDS}


def read_entries(data: bytes) -> list[tuple[int, Mapping[str, Any]]]:
    """
    Return the entries of a file, each with its line (CSV) or position (JSON).

    Raises:
        BadFile: when it is neither CSV with the known columns nor a JSON list of objects, or is too long.
    """
    if len(data) > MAX_FILE_BYTES:
        raise BadFile(_("The file is longer than %d bytes.") % MAX_FILE_BYTES)
    try:
        text = data.decode("utf-16" if data.startswith(UTF_16) else "utf-8-sig").strip()
    except UnicodeDecodeError:
        raise BadFile(_("The file is not text in UTF-8 or UTF-16.")) from None
    entries = _read_json(text) if text.startswith(("[", "{")) else _read_csv(text)
    if len(entries) > MAX_COINS:
        raise BadFile(_("The file has more than %d coins.") % MAX_COINS)
    return entries


def _read_json(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    try:
        items = json.loads(text)
        # JSON may contain half a surrogate pair; neither a page nor a database can store it.
        json.dumps(items, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadFile(_("The file is not JSON: %s.") % error) from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadFile(_("The JSON must be a list of objects."))
    return list(enumerate(items, 1))


def _read_csv(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text), delimiter=_find_delimiter(text))
    names = set(reader.fieldnames or ())
    wanted = ("symbol", "name", "id" if "id" in names else "coingecko_id")
    missing = [name for name in wanted if name not in names]
    if missing:
        raise BadFile(_("The CSV's first line lacks: %s.") % ", ".join(missing))
    try:
        return [(reader.line_num, _map_texts(unescape_cell, row)) for row in reader]
    except csv.Error as error:
        raise BadFile(_("Line %(line)d is not CSV: %(why)s.") % {"line": reader.line_num, "why": error}) from None


def _map_texts(change: Callable[[str], str], row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: change(value) if isinstance(value, str) else value for name, value in row.items()}


def _find_delimiter(text: str) -> str:
    """Return what separates the columns: spreadsheets write semicolons where a comma is a decimal point, or tabs."""
    head = text.partition("\n")[0]
    return max(DELIMITERS, key=head.count)


def plan_import(entries: Sequence[tuple[int, Mapping[str, Any]]]) -> Plan:
    """Return what importing *entries* would do; coins are identified by their CoinGecko id."""
    plan = Plan()
    known = {coin.coingecko_id: coin for coin in Coin.objects.all()}
    owner_of_symbol = {fold(coin.symbol): coin.coingecko_id for coin in known.values()}
    # A symbol of one coin may be the id of another: dydx-chain is DYDX.
    seen: dict[tuple[str, str], int] = {}
    last = Coin.objects.aggregate(last=Max("position"))["last"]
    ends = count(0 if last is None else last + 1)
    for line, entry in entries:
        try:
            coin, fields = _read_coin(_name_row(entry, known, owner_of_symbol), known)
            keys = {("symbol", fold(coin.symbol)): coin.symbol, ("id", coin.coingecko_id): coin.coingecko_id}
            for key, name in keys.items():
                if key in seen:
                    raise ValidationError(
                        _("%(name)s is in line %(line)d already.") % {"name": name, "line": seen[key]}
                    )
            seen |= dict.fromkeys(keys, line)
            owner = owner_of_symbol.setdefault(fold(coin.symbol), coin.coingecko_id)
            if owner != coin.coingecko_id:
                raise ValidationError(_("%(symbol)s is %(id)s in the list.") % {"symbol": coin.symbol, "id": owner})
            coin.clean_fields()
        except ValidationError as error:
            plan.errors += [f"{line}: {message}" for message in _messages(error)]
            continue
        if coin.pk is None:
            if entry.get("position") is None or _is_left_out("position", entry["position"]):
                coin.position = next(ends)
            plan.new.append(coin)
        elif fields:
            plan.changed.append((coin, fields))
        else:
            plan.unchanged += 1
    return plan


def _name_row(
    entry: Mapping[str, Any], known: Mapping[str, Coin], owner_of_symbol: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return a row of CoinGecko's list in our words, with a symbol that no other coin has; other rows as they are."""
    if "id" not in entry or "coingecko_id" in entry:
        return entry
    coin_id, symbol = str(entry["id"]), clean_symbol(str(entry.get("symbol", "")).upper())
    if coin_id in known:
        return {"coingecko_id": coin_id, "name": entry.get("name")}
    symbol = symbol or clean_symbol(coin_id.upper())
    if fold(symbol) in owner_of_symbol:
        symbol = propose_symbol(Coin(symbol=symbol, coingecko_id=coin_id), owner_of_symbol.keys())
    return {"coingecko_id": coin_id, "symbol": symbol, "name": entry.get("name")}


def _read_coin(entry: Mapping[str, Any], known: Mapping[str, Coin]) -> tuple[Coin, list[str]]:
    unknown = [str(name) for name in entry if name not in FIELDS]
    if unknown:
        words = {"name": unknown[0], "allowed": ", ".join(FIELDS)}
        raise ValidationError(_("unknown field %(name)s; allowed: %(allowed)s.") % words)
    values = {name: _read_value(name, value) for name, value in entry.items() if not _is_left_out(name, value)}
    coin = known.get(values.get("coingecko_id", ""), Coin())
    values |= _doubt_pairs(coin, values)
    fields = [name for name, value in values.items() if getattr(coin, name) != value]
    for name in fields:
        setattr(coin, name, values[name])
    return coin, fields


def _is_left_out(name: str, value: Any) -> bool:
    return value is None or (name in OPTIONAL and not str(value).strip())


def _doubt_pairs(coin: Coin, values: Mapping[str, Any]) -> dict[str, bool]:
    """Return that a pair which *values* give the coin is not verified, where they do not say that it is."""
    return {
        f"{exchange}_verified": False
        for exchange in EXCHANGES
        if f"{exchange}_verified" not in values
        and any(values.get(name, getattr(coin, name)) != getattr(coin, name) for name in _pair_fields(exchange))
    }


def _pair_fields(exchange: str) -> tuple[str, str]:
    return f"{exchange}_symbol", f"{exchange}_factor"


def _read_value(name: str, value: Any) -> Any:
    text = str(value).strip()
    if name in TRUTHS:
        if text.lower() not in (*TRUE, *FALSE):
            words = {"name": name, "text": repr(text[:20])}
            raise ValidationError(_("%(name)s is %(text)s; allowed: true, false.") % words)
        return text.lower() in TRUE
    if name in NUMBERS:
        found = WHOLE.fullmatch(text)
        if not found:
            words = {"name": name, "text": repr(text[:20])}
            raise ValidationError(_("%(name)s is %(text)s; allowed: a whole number of up to 18 digits.") % words)
        return int(found[1])
    exchange = name.removesuffix("_symbol")
    return spell_pair(exchange, text) if exchange in EXCHANGES else text


def _messages(error: ValidationError) -> list[str]:
    if hasattr(error, "message_dict"):
        return [f"{name}: {message}" for name, messages in error.message_dict.items() for message in messages]
    return list(error.messages)


def keep_verified(entries: Sequence[tuple[int, Mapping[str, Any]]], plan: Plan) -> list[tuple[int, Mapping[str, Any]]]:
    """Return *entries* with what is known by now of the pairs in *plan*, so that confirming it asks nobody again."""
    coins = {coin.coingecko_id: coin for coin in (*plan.new, *(coin for coin, _fields in plan.changed))}
    return [
        (line, {**entry, **_verified(coin)} if (coin := coins.get(str(entry.get("coingecko_id")))) else entry)
        for line, entry in entries
    ]


def _verified(coin: Coin) -> dict[str, str]:
    names = [f"{exchange}_verified" for exchange in EXCHANGES if getattr(coin, f"{exchange}_symbol")]
    return {name: "true" for name in names if getattr(coin, name)}


def apply_import(plan: Plan) -> None:
    """Save everything in *plan*, or nothing."""
    with transaction.atomic():
        for coin in [*plan.new, *(coin for coin, _fields in plan.changed)]:
            coin.validate_unique()
            coin.save()
