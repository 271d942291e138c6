#!/usr/bin/env bash
# ccxt's `percentage` of a Kraken ticker is the change since midnight UTC, next to highs, lows and volumes of 24 hours.
#
# Versions: ccxt 4.5.90 (PyPI), on the answer of Kraken's public Ticker
# Surprise: Kraken's `o` is today's opening price, and its documentation says that today starts at midnight UTC. The other
#   figures have a second value for 24 hours, which ccxt uses; `open`, `change` and `percentage` come from `o`, and nothing
#   in the ticker says so. `average` is the midpoint of open and last, not an average of trades.
# Matters: at 00:10 UTC a coin that lost 8 % in 24 hours shows +0.01 %. Next to Binance, whose 24 hours are a rolling
#   window, the two exchanges seem to disagree, most of all just after midnight.
# Seen (2026-11-30):
#   | ccxt 4.5.90, Kraken, ten minutes after midnight UTC, a day after 57200
#   | open 52636.0, last 52641.1, percentage 0.0097, average 52638.55
#   | high 57200.0, low 51513.9, vwap 54022.90683, baseVolume 7954.00219674
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check ccxt==4.5.90
venv/bin/python - <<'PY' | tee seen
import ccxt

ANSWER = {  # a pair's value in /0/public/Ticker; [today, last 24 hours] where there are two
    "a": ["52641.20000", "1", "1.000"],
    "b": ["52641.10000", "1", "1.000"],
    "c": ["52641.10000", "0.00080000"],
    "v": ["12.83610601", "7954.00219674"],
    "p": ["52639.94668", "54022.90683"],
    "t": [233, 80463],
    "l": ["52630.00000", "51513.90000"],
    "h": ["52650.00000", "57200.00000"],
    "o": "52636.00000",
}
ticker = ccxt.kraken().parse_ticker(ANSWER, {"symbol": "BTC/USD", "id": "XXBTZUSD"})
print(f"ccxt {ccxt.__version__}, Kraken, ten minutes after midnight UTC, a day after 57200")
print(f"open {ticker['open']}, last {ticker['last']}, percentage {ticker['percentage']:.4f}, average {ticker['average']}")
print(", ".join(f"{name} {ticker[name]}" for name in ("high", "low", "vwap", "baseVolume")))
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
