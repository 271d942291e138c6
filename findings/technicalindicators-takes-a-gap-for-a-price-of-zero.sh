#!/usr/bin/env bash
# technicalindicators counts a missing price as zero, and rates a price that does not move as overbought.
#
# Versions: technicalindicators 3.1.0 (npm), Node 20
# Surprise: `null`, which is how histories mark a minute without a price, enters a moving average as 0, without an error.
#   The RSI of a flat series, such as a stablecoin, is 100, its highest value; by its formula it is undefined there (0/0).
# Matters: one missing minute lowers a three-minute average by a third for three minutes, and an alert on "RSI above 70"
#   fires for every pegged coin.
# Seen (2026-11-30):
#   | technicalindicators 3.1.0
#   | SMA(3) of 100,100,null,100,100,100: 66.66666666666667,66.66666666666667,66.66666666666667,100
#   | SMA(3) of 100,100,100,100,100: 100,100,100
#   | RSI(3) of 1,1,1,1,1: 100,100
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund technicalindicators@3.1.0
cat > run.mjs <<'JS'
import {readFileSync} from "node:fs";
import indicators from "technicalindicators";

const {version} = JSON.parse(readFileSync("node_modules/technicalindicators/package.json"));
const show = (values) => values.map(String).join();
const run = (name, values) =>
  console.log(`${name}(3) of ${show(values)}: ${show(indicators[name].calculate({period: 3, values}))}`);
console.log(`technicalindicators ${version}`);
run("SMA", [100, 100, null, 100, 100, 100]);
run("SMA", [100, 100, 100, 100, 100]);
run("RSI", [1, 1, 1, 1, 1]);
JS
node run.mjs | tee seen
diff <(sed -n 's/^#   | \?//p' "$self") seen
