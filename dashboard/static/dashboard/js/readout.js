/** A candle in words: above the chart, in the table, and for screen readers. */
import {formatMoment} from "./chart-style.js";
import {setPrice, setText} from "./marks.js";
import {formatPrice, sourceName} from "./numbers.js";

const DAY = 86400, PAGE = 10;
const byId = (id) => document.getElementById(id);

const SHORT = {month: "short", day: "numeric", hour: "numeric", minute: "2-digit"};

/** Write when a candle began; a day is one in UTC. */
function formatCandleTime(time, step) {
  return formatMoment(time, step >= DAY ? {dateStyle: "medium"} : SHORT, step >= DAY);
}

/** Show a candle above the chart. */
export function showCandle(candle, step, money) {
  const readout = byId("readout"), [time, open, high, low, close, from] = readout.children;
  readout.classList.toggle("doubt", candle.disputed);
  setText(time, formatCandleTime(candle.time, step));
  [open, high, low, close].forEach((node, index) => {
    setText(node.lastElementChild, money(candle[["open", "high", "low", "close"][index]]));
  });
  setText(from, sourceName(candle.source));
}

/** Show none. */
export function clearReadout() {
  const readout = byId("readout");
  readout.classList.remove("doubt");
  for (const node of readout.querySelectorAll("time, b, .from")) setText(node, "");
}

/** Return what `showCandle` has shown last, for screen readers. */
export function describeCandle() {
  const shown = [...byId("readout").children].filter((node) => getComputedStyle(node).display !== "none");
  return shown.map((node) => node.textContent.trim()).join(", ");
}

/** Newest first, at most a screenful. Rows stay in place and only their texts change, so that nothing moves. */
export function fillTable(candles, step, decimals) {
  const table = byId("updates"), row = byId("update").content.firstElementChild;
  const shown = candles.slice(-Number(table.dataset.rows)).reverse();
  while (table.children.length < shown.length) table.append(row.cloneNode(true));
  while (table.children.length > shown.length) table.lastElementChild.remove();
  shown.forEach((candle, index) => fillRow(table.children[index], candle, step, decimals));
}

function fillRow(row, candle, step, decimals) {
  const [head, open, high, low, close, source] = row.children, time = head.firstElementChild;
  row.classList.toggle("doubt", candle.disputed);
  time.dateTime = new Date(candle.time * 1000).toISOString();
  setText(time, formatCandleTime(candle.time, step));
  [[open, candle.open], [high, candle.high], [low, candle.low], [close, candle.close]].forEach(([cell, price]) => {
    setPrice(cell, formatPrice(price, decimals));
    cell.title = price;
  });
  setText(source, sourceName(candle.source));
}

/** Let arrow keys move along the chart, as along a slider. */
export function wireKeys(element, candles, pointed, point) {
  const moves = {
    ArrowLeft: (at) => at - 1, ArrowRight: (at) => at + 1, PageDown: (at) => at - PAGE, PageUp: (at) => at + PAGE,
    Home: () => 0, End: (at, last) => last,
  };
  element.tabIndex = 0;
  element.setAttribute("role", "slider");
  element.addEventListener("keydown", (event) => {
    const all = candles(), last = all.length - 1, move = moves[event.key];
    if (!move || last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const now = pointed() ? all.indexOf(pointed()) : last;
    const at = Math.min(last, Math.max(0, move(now, last)));
    element.setAttribute("aria-valuemax", last);
    element.setAttribute("aria-valuenow", at);
    point(all[at]);
  });
  element.setAttribute("aria-valuemin", 0);
  element.setAttribute("aria-valuemax", 0);
  element.setAttribute("aria-valuenow", 0);
}
