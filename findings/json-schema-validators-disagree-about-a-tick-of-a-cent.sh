#!/usr/bin/env bash
# Is 19.99 a multiple of 0.01? jsonschema and Ajv say no; fastjsonschema and jsonschema-rs say yes.
#
# Versions: jsonschema 4.26.0, fastjsonschema 2.22.3, jsonschema-rs 0.61.2 (PyPI), ajv 8.20.0 (npm), Node 20
# Surprise: `multipleOf: 0.01` is how OpenAPI and AsyncAPI documents state the tick of a price. Two of the validators divide
#   doubles and find a remainder. 1.1 and 63250.12 pass, so a few examples do not show it. jsonschema is right when it gets
#   Decimals, which fastjsonschema does not support (a TypeError); Ajv has `multipleOfPrecision`.
# Matters: the same contract test passes in one language and rejects one price in seven in another.
# Seen (2026-11-30):
#   | jsonschema 4.26.0, fastjsonschema 2.22.3, jsonschema-rs 0.61.2, ajv 8.20.0
#   |                          0.07   0.29   1.1    4.35   19.99  63250.12
#   | jsonschema               no     no     yes    no     no     yes
#   | jsonschema, Decimal      yes    yes    yes    yes    yes    yes
#   | fastjsonschema           yes    yes    yes    yes    yes    yes
#   | jsonschema-rs            yes    yes    yes    yes    yes    yes
#   | ajv                      no     no     yes    no     no     yes
#   | ajv, precision 9         yes    yes    yes    yes    yes    yes
#   | prices of two decimals from 0.01 to 100.00 that jsonschema refuses: 1363 of 10000
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check jsonschema==4.26.0 fastjsonschema==2.22.3 jsonschema-rs==0.61.2
npm install --silent --no-audit --no-fund ajv@8.20.0
cat > python.py <<'PY'
import json
import sys
from decimal import Decimal
from importlib.metadata import version

import fastjsonschema
import jsonschema
import jsonschema_rs

PRICES = "0.07", "0.29", "1.1", "4.35", "19.99", "63250.12"
SCHEMA = json.loads('{"type": "number", "multipleOf": 0.01}')
EXACT = json.loads('{"type": "number", "multipleOf": 0.01}', parse_float=Decimal)
by_jsonschema = jsonschema.Draft202012Validator(SCHEMA)
by_fastjsonschema = fastjsonschema.compile(SCHEMA)


def passes_fastjsonschema(price):
    try:
        return by_fastjsonschema(price) == price
    except fastjsonschema.JsonSchemaException:
        return False


def row(name, cells):
    print(f"{name:25}" + "  ".join(f"{cell:5}" for cell in cells).rstrip())


def ask(name, validate, kind=float):
    row(name, ("yes" if validate(kind(price)) else "no" for price in PRICES))


if sys.argv[1] == "table":
    names = ", ".join(f"{name} {version(name)}" for name in ("jsonschema", "fastjsonschema", "jsonschema-rs"))
    print(f"{names}, ajv {json.load(open('node_modules/ajv/package.json'))['version']}")
    row("", PRICES)
    ask("jsonschema", by_jsonschema.is_valid)
    ask("jsonschema, Decimal", jsonschema.Draft202012Validator(EXACT).is_valid, Decimal)
    ask("fastjsonschema", passes_fastjsonschema)
    ask("jsonschema-rs", lambda price: jsonschema_rs.is_valid(SCHEMA, price))
else:
    refused = sum(not by_jsonschema.is_valid(float(f"{cents // 100}.{cents % 100:02}")) for cents in range(1, 10_001))
    print(f"prices of two decimals from 0.01 to 100.00 that jsonschema refuses: {refused} of 10000")
PY
cat > ajv.cjs <<'JS'
const Ajv = require("ajv");
const prices = [0.07, 0.29, 1.1, 4.35, 19.99, 63250.12];
for (const [name, options] of [["ajv", {}], ["ajv, precision 9", {multipleOfPrecision: 9}]]) {
  const validate = new Ajv(options).compile({type: "number", multipleOf: 0.01});
  const cells = prices.map((price) => (validate(price) ? "yes" : "no").padEnd(5));
  console.log(name.padEnd(25) + cells.join("  ").trimEnd());
}
JS
{
  venv/bin/python python.py table
  node ajv.cjs
  venv/bin/python python.py count
} | tee seen
diff <(sed -n 's/^#   | \?//p' "$self") seen
