#!/usr/bin/env bash
# ccxt has two kinds of weeks and months, and pandas a third: one trade is in the week of a Thursday, a Monday or a Sunday.
#
# Versions: ccxt 4.5.90, pandas 3.1.1 (PyPI)
# Surprise: `build_ohlcvc(trades, "1w")` divides the timestamp by 604,800 s, and 1970 began on a Thursday;
#   `round_timeframe("1w", …)` of the same library returns the Monday. "1M" is 30 days in one and a calendar month in the
#   other. pandas labels `resample("W")` and `"ME"` by their end, although it labels days and hours by their start.
# Matters: weekly candles built from trades, fetched from an exchange and computed in a data frame do not join on their
#   time, and a join that matches nothing, or the wrong week, raises no error.
# Seen (2026-11-30):
#   | ccxt 4.5.90, pandas 3.1.1; a trade on Wednesday 2026-11-11
#   | ccxt build_ohlcvc 1w: Thursday 2026-11-05
#   | ccxt round_timeframe 1w: Monday 2026-11-09
#   | pandas resample W: Sunday 2026-11-15
#   | pandas resample W-MON, closed and labelled left: Monday 2026-11-09
#   | ccxt build_ohlcvc 1M: Tuesday 2026-11-03
#   | ccxt round_timeframe 1M: Sunday 2026-11-01
#   | pandas resample ME: Monday 2026-11-30
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check ccxt==4.5.90 pandas==3.1.1
venv/bin/python - <<'PY' | tee seen
from datetime import UTC, datetime

import ccxt
import pandas

traded = datetime(2026, 11, 11, 12, tzinfo=UTC)
milliseconds = int(traded.timestamp() * 1000)
trade = {"timestamp": milliseconds, "price": 63250.12, "amount": 1.0}
prices = pandas.Series([63250.12], index=pandas.DatetimeIndex([traded]))


def show(name, moment):
    print(f"{name}: {moment:%A %Y-%m-%d}")


def from_milliseconds(value):
    return datetime.fromtimestamp(value / 1000, UTC)


print(f"ccxt {ccxt.__version__}, pandas {pandas.__version__}; a trade on {traded:%A %Y-%m-%d}")
for timeframe, rule in (("1w", "W"), ("1M", "ME")):
    built = ccxt.Exchange().build_ohlcvc([trade], timeframe)[0][0]
    show(f"ccxt build_ohlcvc {timeframe}", from_milliseconds(built))
    show(f"ccxt round_timeframe {timeframe}", from_milliseconds(ccxt.Exchange.round_timeframe(timeframe, milliseconds)))
    show(f"pandas resample {rule}", prices.resample(rule).ohlc().index[0])
    if rule == "W":
        monday = prices.resample("W-MON", closed="left", label="left").ohlc().index[0]
        show("pandas resample W-MON, closed and labelled left", monday)
PY
diff <(sed -n 's/^#   | \?//p' "$self") seen
