#!/usr/bin/env bash
# bean-query prints a price of 0.00001234 as 0.00, in CSV too, and pads the numbers there.
#
# Versions: beanquery 0.2.0 with beancount 3.2.3 (PyPI)
# Surprise: beancount keeps every digit. A column of amounts is rounded to the number of decimals that is most common for
#   the currency in the file, two for dollars. The CSV, which is meant for other programs, has the rounded figures as well,
#   aligned with spaces. `number(amount)` has all digits; so has the amount once the file sets `display_precision`.
# Matters: prices and values of small coins come out of a correct ledger as zero.
# Seen (2026-11-30), each line a row of CSV after |:
#   | beanquery 0.2.0, beancount 3.2.3
#   | SELECT currency, amount FROM #prices
#   |   |SHIB,     0.00 USD
#   |   |BTC, 63250.12 USD
#   |   |ETH,  3450.32 USD
#   | SELECT number(amount) FROM #prices WHERE currency = 'SHIB'
#   |   |0.00001234
#   | SELECT convert(sum(position), 'USD') WHERE account = 'Assets:Wallet'
#   |   | 0.00 USD
#   | with option "display_precision" "USD:0.00000001": SELECT currency, amount FROM #prices
#   |   |SHIB,     0.00001234 USD
#   |   |BTC, 63250.12000000 USD
#   |   |ETH,  3450.32000000 USD
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check beanquery==0.2.0 beancount==3.2.3
cat > prices.beancount <<'EOF'
2026-11-01 open Assets:Wallet
2026-11-01 open Equity:Start
2026-11-01 * "start"
  Assets:Wallet  3 SHIB
  Equity:Start
2026-11-28 price SHIB 0.00001234 USD
2026-11-28 price BTC 63250.12 USD
2026-11-28 price ETH 3450.32 USD
EOF
ask() {
  echo "$1"
  venv/bin/bean-query --format csv prices.beancount "$1" | tr -d '\r' | sed '1d; s/^/  |/'
}
{
  venv/bin/pip list --disable-pip-version-check 2>/dev/null |
    awk '$1 == "beanquery" {query = $2} $1 == "beancount" {count = $2} END {print "beanquery " query ", beancount " count}'
  ask "SELECT currency, amount FROM #prices"
  ask "SELECT number(amount) FROM #prices WHERE currency = 'SHIB'"
  ask "SELECT convert(sum(position), 'USD') WHERE account = 'Assets:Wallet'"
  sed -i '1i option "display_precision" "USD:0.00000001"' prices.beancount
  echo "with $(head -1 prices.beancount): $(ask "SELECT currency, amount FROM #prices")"
} | tee seen
diff <(sed -n 's/^#   | \?//p' "$self") seen
