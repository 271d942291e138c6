#!/usr/bin/env bash
# ccxt for Python and ccxt for JavaScript read the same text as different numbers and times.
#
# Versions: ccxt 4.5.90 (PyPI) and 4.5.84 (npm), Node 20
# Surprise: the exchanges are transpiled from one source, the helpers below them are written by hand for each language.
#   `safe_number` accepts "NaN" and "1_000" in Python and returns nothing for them in JavaScript; `parse8601` accepts a time
#   without seconds in JavaScript only, and a comma before the fraction in Python only, where it drops the fraction.
# Matters: tests in one language prove nothing for a service in the other. In Python, NaN as a price reaches averages and
#   JSON; in JavaScript it is left out.
# Seen (2026-11-30):
#   | PyPI ccxt 4.5.90
#   | "NaN" -> nan
#   | "1_000" -> 1000.0
#   | "2026-11-28T21:40Z" -> None
#   | "2026-11-28T21:40:08,512Z" -> 1795902008000
#   | npm ccxt 4.5.84
#   | "NaN" -> undefined
#   | "1_000" -> undefined
#   | "2026-11-28T21:40Z" -> 1795902000000
#   | "2026-11-28T21:40:08,512Z" -> undefined
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check ccxt==4.5.90
npm install --silent --no-audit --no-fund ccxt@4.5.84
cat > read.py <<'PY'
import json
from importlib.metadata import version

import ccxt

exchange = ccxt.Exchange()
print("PyPI ccxt", version("ccxt"))
for text in ("NaN", "1_000"):
    print(json.dumps(text), "->", exchange.safe_number({"price": text}, "price"))
for text in ("2026-11-28T21:40Z", "2026-11-28T21:40:08,512Z"):
    print(json.dumps(text), "->", exchange.parse8601(text))
PY
cat > read.mjs <<'JS'
import {readFileSync} from "node:fs";
import ccxt from "ccxt";

const exchange = new ccxt.Exchange();
console.log("npm ccxt", JSON.parse(readFileSync("node_modules/ccxt/package.json")).version);
for (const text of ["NaN", "1_000"])
  console.log(JSON.stringify(text), "->", exchange.safeNumber({price: text}, "price"));
for (const text of ["2026-11-28T21:40Z", "2026-11-28T21:40:08,512Z"])
  console.log(JSON.stringify(text), "->", exchange.parse8601(text));
JS
{
  venv/bin/python read.py
  node read.mjs
} | tee seen
diff <(sed -n 's/^#   | \?//p' "$self") seen
