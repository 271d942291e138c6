/** The coin page: chart and table of the stored updates, kept up by what `main.js` hears. */
import {drawChart} from "./chart.js";
import {setPrice, setText} from "./marks.js";
import {formatNumber, formatPrice, formatShare, formatTime, say, words} from "./numbers.js";

const page = document.body.dataset, find = (id) => document.getElementById(id);
const decimals = Number(page.decimals), kept = Number(page.history);
const chart = drawChart(find("chart"), decimals), ranges = [...find("ranges").children];
let points = JSON.parse(find("points").textContent), seconds = 0;

const sourceName = (source) => words[`source_${source}`] ?? source;
const secondsBetween = ([one], [other]) => (Date.parse(other) - Date.parse(one)) / 1000;
const money = (value) => page.sign + formatPrice(value, decimals).full;

/** Show all points in the table, those of the chosen range in the chart; offer ranges shorter than the history. */
function show() {
  const span = points.length ? secondsBetween(points[0], points.at(-1)) : 0;
  for (const button of ranges) {
    const length = Number(button.dataset.seconds);
    button.hidden = length >= span && length !== 0;
    button.setAttribute("aria-pressed", length === seconds);
  }
  find("ranges").hidden = ranges.filter((button) => !button.hidden).length < 2;
  const shown = points.filter((point) => !seconds || secondsBetween(point, points.at(-1)) <= seconds);
  chart.set(shown);
  const prices = shown.map(([, price]) => Number(price));
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  fillTable();
  setText(find("extremes"), prices.length > 1 ? say("extremes", {low: money(low), high: money(high)}) : "");
}

function showTime(node, text) {
  node.dateTime = text;
  setText(node, formatTime(text));
}

/** Newest first. Rows stay where they are and take the next one's figures, so that nothing moves under the eye. */
function fillTable() {
  const table = find("updates"), row = find("update").content.firstElementChild;
  while (table.children.length < points.length) table.append(row.cloneNode(true));
  while (table.children.length > points.length) table.lastElementChild.remove();
  points.toReversed().forEach(([time, price], index) => {
    const cell = table.children[index].querySelector("span");
    showTime(table.children[index].querySelector("time"), time);
    setPrice(cell, formatPrice(price, decimals));
    cell.title = price;
  });
}

function showFigures(coin) {
  setText(document.querySelector("h1"), `${coin.name} (${coin.symbol})`);
  setText(find("exact"), coin.price ?? "—");
  setText(find("volume"), coin.volume_24h === null ? "—" : page.sign + formatNumber(coin.volume_24h, 0));
  setText(find("confirmed"), coin.confirmed_by.map(sourceName).join(", ") || "—");
  setText(find("spread"), coin.spread_pct === null ? "—" : formatShare(coin.spread_pct));
}

function add({price, observed_at: time}) {
  if (price === null || time === points.at(-1)?.[0]) return;
  points = [...points, [time, price]].slice(-kept);
  show();
}

/** After a gap the server knows better. */
async function reload() {
  const answer = await fetch(page.historyUrl).catch(() => null);
  if (!answer?.ok) return;
  points = (await answer.json()).map(({observed_at, price}) => [observed_at, price]);
  show();
}

find("ranges").addEventListener("click", ({target}) => {
  if (!target.dataset.seconds) return;
  seconds = Number(target.dataset.seconds);
  show();
});
document.addEventListener("rates:shown", ({detail: {kind, coins}}) => {
  const coin = coins.get(page.select);
  find("gone").hidden = coin !== undefined;
  if (!coin) return;
  showFigures(coin);
  if (kind === "board") reload();
  else add(coin);
});
show();
