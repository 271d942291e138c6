/** The coin page: chart and table of the stored updates, kept current by the events of `main.js`. */
import {ask} from "./api.js";
import {drawChart} from "./chart.js";
import {setPrice, setText} from "./marks.js";
import {formatNumber, formatPrice, formatShare, formatTime, texts, translate} from "./numbers.js";

const page = document.body.dataset, byId = (id) => document.getElementById(id);
const decimals = Number(page.decimals), historyLength = Number(page.history);
const chart = drawChart(byId("chart"), decimals), rangeButtons = [...byId("ranges").children];
let points = JSON.parse(byId("points").textContent), rangeSeconds = 0; // 0: all of them

const sourceName = (source) => texts[`source_${source}`] ?? source;
const secondsBetween = ([one], [other]) => (Date.parse(other) - Date.parse(one)) / 1000;
const formatMoney = (value) => page.sign + formatPrice(value, decimals).full;

/** Show all points in the table, those of the chosen range in the chart. */
function renderHistory() {
  showRanges();
  const shown = points.filter((point) => !rangeSeconds || secondsBetween(point, points.at(-1)) <= rangeSeconds);
  chart.set(shown);
  setText(byId("extremes"), describeExtremes(shown.map(([, price]) => Number(price))));
  fillTable();
}

function describeExtremes(prices) {
  if (prices.length < 2) return "";
  return translate("extremes", {low: formatMoney(Math.min(...prices)), high: formatMoney(Math.max(...prices))});
}

/** Offer the ranges that are shorter than the history, and all of it. */
function showRanges() {
  const span = points.length ? secondsBetween(points[0], points.at(-1)) : 0;
  for (const button of rangeButtons) {
    const length = Number(button.dataset.seconds);
    button.hidden = length >= span && length !== 0;
    button.setAttribute("aria-pressed", length === rangeSeconds);
  }
  byId("ranges").hidden = rangeButtons.filter((button) => !button.hidden).length < 2;
}

/** Newest first. Rows stay in place and only their texts change, so that nothing moves under the reader's eyes. */
function fillTable() {
  const table = byId("updates"), row = byId("update").content.firstElementChild;
  while (table.children.length < points.length) table.append(row.cloneNode(true));
  while (table.children.length > points.length) table.lastElementChild.remove();
  points.toReversed().forEach(([time, price], index) => {
    const cell = table.children[index].querySelector("span");
    showTime(table.children[index].querySelector("time"), time);
    setPrice(cell, formatPrice(price, decimals));
    cell.title = price;
  });
}

function showTime(node, text) {
  node.dateTime = text;
  setText(node, formatTime(text));
}

function showFigures(coin) {
  setText(document.querySelector("h1"), `${coin.name} (${coin.symbol})`);
  setText(byId("exact"), coin.price ?? "—");
  setText(byId("volume"), coin.volume_24h === null ? "—" : page.sign + formatNumber(coin.volume_24h, 0));
  setText(byId("confirmed"), coin.confirmed_by.map(sourceName).join(", ") || "—");
  setText(byId("spread"), coin.spread_pct === null ? "—" : formatShare(coin.spread_pct));
}

function appendPoint({price, observed_at: time}) {
  if (price === null || time <= (points.at(-1)?.[0] ?? "")) return; // a source that is behind the one before
  points = [...points, [time, price]].slice(-historyLength);
  renderHistory();
}

/** A whole board means that updates may have been missed: only the server has them. */
async function reloadHistory() {
  const updates = await ask(page.historyUrl);
  if (!updates) return;
  points = updates.map(({observed_at, price}) => [observed_at, price]);
  renderHistory();
}

byId("ranges").addEventListener("click", ({target}) => {
  if (!target.dataset.seconds) return;
  rangeSeconds = Number(target.dataset.seconds);
  renderHistory();
});
document.addEventListener("rates:rendered", ({detail: {kind, coins}}) => {
  const coin = coins.get(page.select);
  byId("gone").hidden = coin !== undefined;
  if (!coin) return;
  showFigures(coin);
  if (kind === "board") reloadHistory();
  else appendPoint(coin);
});
renderHistory();
