/** The coin page: chart and table of the stored updates, kept up by what `main.js` hears. */
import {formatNumber, formatPrice, formatTime, say} from "./numbers.js";
import {setPrice, setText} from "./marks.js";
import {drawChart} from "./chart.js";

const page = document.body.dataset, find = (id) => document.getElementById(id);
const decimals = Number(page.decimals), kept = Number(page.history);
let points = JSON.parse(find("points").textContent), seconds = 0;
const chart = drawChart(find("chart"), decimals);

/** Points of the chosen range; a range longer than the history is the whole history. */
function chosen() {
  if (!points.length || !seconds) return points;
  const from = Date.parse(points.at(-1)[0]) - seconds * 1000;
  return points.filter(([time]) => Date.parse(time) >= from);
}

function show() {
  const shown = chosen(), span = points.length ? (Date.parse(points.at(-1)[0]) - Date.parse(points[0][0])) / 1000 : 0;
  chart.set(shown);
  find("ranges").hidden = points.length < 2;
  for (const button of find("ranges").children) {
    button.hidden = Number(button.dataset.seconds) >= span && button.dataset.seconds !== "0";
    button.setAttribute("aria-pressed", Number(button.dataset.seconds) === seconds);
  }
  const prices = shown.map(([, price]) => Number(price));
  if (prices.length < 2) return;
  const [low, high] = [Math.min(...prices), Math.max(...prices)].map((price) => formatPrice(price, decimals).full);
  setText(find("extremes"), say("extremes", {low: page.sign + low, high: page.sign + high}));
}

function localTime(node, text) {
  node.dateTime = text;
  setText(node, formatTime(text));
}

function addRow([time, price]) {
  const row = find("update").content.firstElementChild.cloneNode(true);
  localTime(row.querySelector("time"), time);
  setPrice(row.querySelector("span"), formatPrice(price, decimals));
  row.querySelector("span").title = price;
  find("updates").prepend(row);
  while (find("updates").children.length > kept) find("updates").lastElementChild.remove();
}

function add(coin) {
  setText(find("exact"), coin.price ?? "—");
  setText(find("volume"), coin.volume_24h ? page.sign + formatNumber(coin.volume_24h, 0) : "—");
  setText(find("confirmed"), coin.confirmed_by.join(", ") || "—");
  setText(find("spread"), coin.spread_pct === null ? "—" : `${coin.spread_pct} %`);
  if (coin.price === null || coin.observed_at === points.at(-1)?.[0]) return;
  const point = [coin.observed_at, coin.price];
  points = [...points, point].slice(-kept);
  addRow(point);
  show();
}

/** After a gap the server knows better. */
async function reload() {
  const answer = await fetch(page.historyUrl).catch(() => null);
  if (!answer?.ok) return;
  points = (await answer.json()).map(({observed_at, price}) => [observed_at, price]);
  find("updates").replaceChildren();
  points.forEach(addRow);
  show();
}

for (const time of find("updates").querySelectorAll("time")) localTime(time, time.dateTime);
find("ranges").addEventListener("click", ({target}) => {
  if (!target.dataset.seconds) return;
  seconds = Number(target.dataset.seconds);
  show();
});
document.addEventListener("rates:shown", ({detail}) => {
  const coin = detail.coins.get(page.select);
  if (detail.kind === "board") reload();
  else if (coin) add(coin);
});
show();
