#!/usr/bin/env bash
# hledger reads the price `1,234 USD` as 1.234 dollars, ledger as 1234.
#
# Versions: hledger 1.25, ledger 3.3.0 (both of Debian 12, which have to be installed)
# Surprise: hledger takes a single comma for the decimal mark; ledger takes it for a thousands separator when three digits
#   follow, and for the decimal mark when four do. Neither warns, and journals are shared between the two programs.
# Matters: a price copied in the form that people read, "1,234 USD", makes a holding worth a thousandth in one of the
#   programs. Both agree on plain decimals, on `1,234.00`, and after `decimal-mark .` at the top of the journal.
# Seen (2026-11-30), 1000 SOL at their value:
#   | hledger 1.25, ledger 3.3.0
#   | P 2026-11-28 SOL 1,234 USD
#   |   hledger: 1234,000 USD
#   |   ledger: USD1234000
#   | P 2026-11-28 SOL 1,234.00 USD
#   |   hledger: 1,234,000.00 USD
#   |   ledger: USD1234000
#   | P 2026-11-28 SOL 0,1042 USD
#   |   hledger: 104,2000 USD
#   |   ledger: USD104
#   | decimal-mark . and P 2026-11-28 SOL 1,234 USD
#   |   hledger: 1,234,000 USD
#   |   ledger: USD1234000
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
command -v hledger ledger > /dev/null || { echo "needs hledger and ledger: apt install hledger ledger" >&2; exit 2; }
value() {
  printf '%b\n\n2026-11-20 start\n  Assets:Wallet  1000 SOL\n  Equity:Start\n' "$1" > journal
  echo "${1//\\n/ and }"
  echo "  hledger: $(hledger -f journal balance -X USD --no-total Assets | trim)"
  echo "  ledger: $(ledger --args-only -f journal balance -X USD --now 2026/11/29 Assets | trim)"
}
trim() { sed 's/ Assets.*//; s/^ *//; s/ *$//'; }
{
  echo "hledger $(hledger --version | grep -o '[0-9.]*' | head -1), ledger $(ledger --version | grep -o '[0-9.]*' | head -1)"
  value "P 2026-11-28 SOL 1,234 USD"
  value "P 2026-11-28 SOL 1,234.00 USD"
  value "P 2026-11-28 SOL 0,1042 USD"
  value "decimal-mark .\nP 2026-11-28 SOL 1,234 USD"
} | tee seen
diff <(sed -n 's/^#   | \?//p' "$self") seen
