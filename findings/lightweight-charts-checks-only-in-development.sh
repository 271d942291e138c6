#!/usr/bin/env bash
# lightweight-charts validates its data only in its development build: unsorted times, prices as strings and NaN raise
# there, and pass in the production build, which is the default.
#
# Versions: lightweight-charts 5.2.1 over jsdom 29.1.1 (npm), Node 20
# Surprise: the package has two builds, chosen by an export condition. `setData` asserts order, type and range in the
#   development build; the production build keeps the rows as they are, without a warning. A time with an hour in ISO 8601,
#   which development refuses, is accepted in production.
# Matters: exact APIs send prices as strings, and histories may be newest first. Who develops with a tool that sets the
#   condition sees an error; everybody else ships a wrong chart.
# Seen (2026-11-30):
#   | lightweight-charts 5.2.1
#   | production, newest first: kept as given
#   | production, price as text: kept as given
#   | production, NaN: kept as given
#   | production, ISO 8601 with an hour: kept as given
#   | development, newest first: Assertion failed: data must be asc ordered by time, index=1, time=1, prev time=2
#   | development, price as text: Assertion failed: Line series item data value must be a number, got=string, value=63250.12
#   | development, NaN: Assertion failed: Line series item data value must be between -90071992547409.91 and 90071992547409.91, got=number, value=NaN
#   | development, ISO 8601 with an hour: Invalid date string=2026-11-28T21:40:08Z, expected format=yyyy-mm-dd
set -euo pipefail
self=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund lightweight-charts@5.2.1 jsdom@29.1.1
cat > try.mjs <<'JS'
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
const build = process.argv[2];
const ROWS = {
  "newest first": [{time: 2, value: 63251}, {time: 1, value: 63250}],
  "price as text": [{time: 1, value: "63250.12"}],
  NaN: [{time: 1, value: NaN}],
  "ISO 8601 with an hour": [{time: "2026-11-28T21:40:08Z", value: 63250.12}],
};
const pick = (rows) => JSON.stringify(rows.map(({time, value}) => [time, value]));

function tryRows(rows) {
  const line = charts.createChart(document.querySelector("div"), {width: 400, height: 300}).addSeries(charts.LineSeries);
  try {
    line.setData(rows);
  } catch (error) {
    return error.message;
  }
  return pick(line.data()) === pick(rows) ? "kept as given" : "changed";
}

if (build === "production") console.log(`lightweight-charts ${charts.version()}`);
for (const [name, rows] of Object.entries(ROWS)) console.log(`${build}, ${name}: ${tryRows(rows)}`);
JS
{
  node try.mjs production
  node --conditions=development try.mjs development
} | tee seen
diff <(sed -n 's/^#   | \?//p' "$self") seen
