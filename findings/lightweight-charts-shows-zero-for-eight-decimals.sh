#!/usr/bin/env bash
# lightweight-charts shows a price of 0.00001234 as 0.00000000 when it is asked for eight decimals.
#
# Versions: lightweight-charts 5.2.1 over jsdom 29.1.1 (npm), Node 20
# Surprise: `precision: 8` is the number of decimals that are written, but the price is first rounded to `minMove`, which
#   stays at 0.01. `minMove` alone is enough: it implies a precision.
# Matters: the obvious option for small coins makes them look worthless on the axis, the crosshair and the label of the last
#   price.
# Seen (2026-11-30):
#   | lightweight-charts 5.2.1, price 0.00001234
#   | default: 0.00
#   | {"type":"price","precision":8}: 0.00000000
#   | {"type":"price","minMove":1e-8}: 0.00001234
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund lightweight-charts@5.2.1 jsdom@29.1.1
cat > show.mjs <<'JS'
import {JSDOM} from "jsdom";

const {window} = new JSDOM("<div></div>");
window.HTMLCanvasElement.prototype.getContext = () => null; // nothing is painted here
window.matchMedia = () => ({matches: false, addListener() {}, removeListener() {}});
window.requestAnimationFrame = () => 0;
window.ResizeObserver = class {
  observe() {}
  disconnect() {}
};
for (const name of ["document", "HTMLElement", "location", "matchMedia", "requestAnimationFrame", "ResizeObserver"])
  globalThis[name] = window[name];
globalThis.window = window;
Object.defineProperty(globalThis, "navigator", {value: window.navigator, configurable: true});

const charts = await import("lightweight-charts");
const chart = charts.createChart(document.querySelector("div"), {width: 400, height: 300});
const price = 0.00001234;
console.log(`lightweight-charts ${charts.version()}, price 0.00001234`);
for (const priceFormat of [null, {type: "price", precision: 8}, {type: "price", minMove: 1e-8}]) {
  const asked = priceFormat ? JSON.stringify(priceFormat) : "default";
  const line = chart.addSeries(charts.LineSeries, priceFormat ? {priceFormat} : {});
  console.log(`${asked}: ${line.priceFormatter().format(price)}`);
}
JS
node show.mjs | tee seen
diff <(sed -n 's/^#   | \?//p' "$self") seen
