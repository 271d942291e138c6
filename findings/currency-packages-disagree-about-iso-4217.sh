#!/usr/bin/env bash
# Four packages that implement ISO 4217 disagree about which currencies exist and how many decimals they have.
#
# Versions: pycountry 26.2.16, iso4217parse 0.6.2, py-moneyed 3.0, babel 2.19.0 (PyPI)
# Surprise: the standard has one table. iso4217parse stopped before the leone and the bolívar were replaced; only pycountry
#   has dropped the Bulgarian lev, which ended with 2025; two lack the Zimbabwe Gold of 2024. The forint has two decimals in
#   the standard and in py-moneyed's own table, and none in babel, which py-moneyed prints with; the Iraqi dinar has three,
#   or none. For gold the standard gives no number; the packages have none or two.
# Matters: a code that one layer accepts is refused by the next, and a price of 1234.56 HUF is displayed, and copied, as
#   1,235.
# Seen (2026-11-30):
#   | pycountry 26.2.16, iso4217parse 0.6.2, py-moneyed 3.0, babel 2.19.0
#   | knows  pycountry  iso4217parse  py-moneyed  babel
#   | BGN    no         yes           yes         yes
#   | SLE    yes        no            yes         yes
#   | VES    yes        no            yes         yes
#   | ZWG    yes        no            no          yes
#   | decimals  iso4217parse  py-moneyed  babel  babel writes 1234.56  py-moneyed prints it
#   | HUF       2             2           0      HUF1,235              HUF1,235
#   | IQD       3             3           0      IQD1,235              IQD1,235
#   | IDR       2             2           0      IDR1,235              IDR1,235
#   | XAU       0             0           2      XAU1,234.56           XAU1,234.56
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pycountry==26.2.16 iso4217parse==0.6.2 py-moneyed==3.0 babel==2.19.0
venv/bin/python - <<'PY' | tee seen
import math
from decimal import Decimal
from importlib.metadata import version

import iso4217parse
import moneyed
import moneyed.l10n
import pycountry
from babel.numbers import format_currency, get_currency_precision, list_currencies


def table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def knows(code):
    found = (
        pycountry.currencies.get(alpha_3=code),
        iso4217parse.by_alpha3(code),
        code in moneyed.CURRENCIES,
        code in list_currencies(),
    )
    return [code, *("yes" if each else "no" for each in found)]


def decimals(code):
    amount, currency = Decimal("1234.56"), moneyed.get_currency(code)
    numbers = iso4217parse.by_alpha3(code).minor, math.log10(currency.sub_unit), get_currency_precision(code)
    shown = format_currency(amount, code, locale="en_US")
    printed = moneyed.l10n.format_money(moneyed.Money(amount, code), locale="en_US")
    return [code, *(f"{number:.0f}" for number in numbers), shown, printed]


print(", ".join(f"{name} {version(name)}" for name in ("pycountry", "iso4217parse", "py-moneyed", "babel")))
table([["knows", "pycountry", "iso4217parse", "py-moneyed", "babel"], *map(knows, ("BGN", "SLE", "VES", "ZWG"))])
heads = ["decimals", "iso4217parse", "py-moneyed", "babel", "babel writes 1234.56", "py-moneyed prints it"]
table([heads, *map(decimals, ("HUF", "IQD", "IDR", "XAU"))])
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
