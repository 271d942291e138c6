/** Write one coin into its card or row; only what differs is touched, and everything goes in as text. */
import {changeOf} from "./board.js";
import {drawLine, paintPrice, paintRange, setText} from "./marks.js";
import {direction, formatDuration, formatPercent, formatPrice, formatTime, say, words} from "./numbers.js";

const HUES = 11, JUST_NOW = 10;
const ARROWS = {up: "M4.5 1 8.6 8H.4z", down: "M4.5 8 .4 1h8.2z", flat: "M1 4h7v1H1z"};
const known = new WeakMap(), near = new WeakSet(), waiting = new Map();
const observer = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) {
    if (!isIntersecting) { near.delete(target); continue; }
    near.add(target);
    const late = waiting.get(target);
    if (late && waiting.delete(target)) paintCoin(target, ...late);
  }
}, {rootMargin: "200px"});

function partsOf(element) {
  if (!known.has(element)) {
    const parts = [...element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]);
    known.set(element, Object.fromEntries(parts));
  }
  return known.get(element);
}

function paintChange(parts, coin) {
  const change = changeOf(coin), way = change ? direction(change.percent) : "flat";
  parts.percent.setAttribute("class", `pct num ${way}`);
  parts.percent.querySelector("path").setAttribute("d", ARROWS[way]);
  setText(parts.percent.lastElementChild, change ? formatPercent(change.percent) : "—");
  if (!change || !parts.amount) return;
  const {lead, zeros, full} = formatPrice(Math.abs(change.amount), coin.decimals);
  setText(parts.amount, (change.amount > 0 ? "+" : change.amount < 0 ? "−" : "") + (zeros === null ? lead : full));
  setText(parts.window, change.window === "day" ? words.window_day : say("window_last", {n: change.window}));
}

/** Paint everything that comes with a publication: at once near the window, within seconds elsewhere. */
export function paintSoon(element, coin, options) {
  if (near.has(element)) return paintCoin(element, coin, options);
  waiting.set(element, [coin, {...options, flash: false}]);
}

/** Paint up to *count* of those that wait; with hundreds of coins most are out of sight. */
export function catchUp(count) {
  for (const [element, [coin, options]] of [...waiting].slice(0, count)) {
    waiting.delete(element);
    paintCoin(element, coin, options);
  }
}

export function watch(element) {
  observer.observe(element);
}

export function forget(element) {
  observer.unobserve(element);
  waiting.delete(element);
}

export function paintCoin(element, coin, {flash, pinned}) {
  const parts = partsOf(element), prices = coin.history.map(Number);
  setText(parts.name, coin.name);
  parts.name.title = coin.name;
  setText(parts.symbol, coin.symbol);
  paintPrice(parts.price, coin, flash && coin.before !== null && coin.before !== coin.price);
  paintChange(parts, coin);
  drawLine(parts.line, prices);
  paintRange(parts.range, coin, coin.price === null ? [] : prices);
  setText(parts.source, words[`source_${coin.source}`] ?? coin.source ?? "");
  parts.source.classList.toggle("sim", coin.source === "simulated");
  parts.star?.setAttribute("aria-pressed", pinned);
}

/** Paint the age of a coin, which grows without publications; *late*: nothing on the page can be called live. */
export function paintAge(element, coin, now, late) {
  const parts = partsOf(element), stale = coin.price !== null && (coin.stale || late);
  element.classList.toggle("old", stale);
  element.classList.toggle("disputed", coin.disputed);
  if (!coin.observed_at) return setText(parts.age, words.waiting);
  const seconds = (now - Date.parse(coin.observed_at)) / 1000, age = formatDuration(seconds);
  setText(parts.age, stale ? say("old", {age}) : seconds < JUST_NOW ? words.now : say("ago", {age}));
  setText(parts.tag, coin.disputed ? words.disputed : stale ? say("old", {age}) : "");
  if (parts.age.dateTime === coin.observed_at) return;
  parts.age.dateTime = coin.observed_at;
  parts.age.title = formatTime(coin.observed_at);
}

/** Make a new card or row for *coin* from its template. */
export function makeElement(template, coin) {
  const element = template.content.firstElementChild.cloneNode(true), parts = partsOf(element);
  element.dataset.symbol = coin.symbol;
  parts.mark.dataset.l = coin.symbol[0];
  parts.mark.className = `mark hue-${[...coin.symbol].reduce((sum, char) => sum + char.charCodeAt(0), 0) % HUES}`;
  parts.name.href = parts.name.getAttribute("href").replace("symbol", coin.symbol.toLowerCase());
  parts.star?.setAttribute("aria-label", say("pin", {name: coin.name}));
  return element;
}
