/** Write one coin into its card or row; only what differs is touched, and everything goes in as text. */
import {drawLine, paintLogo, paintPrice, paintRange, setPrice, setText} from "./marks.js";
import {direction, formatAmount, formatDuration, formatHour, formatPercent, formatTime, sourceName, texts, translate} from "./numbers.js";
import {periodOf} from "./period.js";

const HUES = 11;
// Seconds: below this an age is "just now".
const JUST_NOW = 10;
const ARROWS = {up: "M4.5 1 8.6 8H.4z", down: "M4.5 8 .4 1h8.2z", flat: "M1 4h7v1H1z", unknown: ""};
const partsByElement = new WeakMap();

/** The elements of a card or row by their `data-part`. */
function partsOf(element) {
  if (!partsByElement.has(element)) {
    const parts = [...element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]);
    partsByElement.set(element, Object.fromEntries(parts));
  }
  return partsByElement.get(element);
}

/** Make a new card or row for *coin* from its template. */
export function makeElement(template, coin) {
  const element = template.content.firstElementChild.cloneNode(true), parts = partsOf(element);
  element.dataset.symbol = coin.symbol;
  parts.mark.dataset.letter = [...coin.symbol][0];
  parts.mark.className = `mark hue-${[...coin.symbol].reduce((sum, char) => sum + char.codePointAt(0), 0) % HUES}`;
  parts.name.href = parts.name.getAttribute("href").replace("symbol", encodeURIComponent(coin.symbol.toLowerCase()));
  setText(parts.symbol, coin.symbol);
  return element;
}

/** *clock*: {now: ms of the server's clock, late: whether nothing on the page may look live}. */
export function paintCoin(element, coin, {flash, pinned, clock}) {
  const parts = partsOf(element), period = periodOf(coin);
  setText(parts.name, coin.name);
  parts.name.title = coin.name;
  paintLogo(parts.mark, coin.logo);
  paintPrice(parts.price, coin, flash && coin.before !== null && coin.before !== coin.price);
  paintChange(parts, coin, period);
  drawLine(parts.line, coin.partial ? {line: []} : period); // it is fetched when it comes into sight
  paintRange(parts.range, coin, period);
  const rangeOf = translate("range_of", {period: sinceWords(period) || texts.window_day});
  if (parts.range.title !== rangeOf) parts.range.title = rangeOf;
  setText(parts.source, sourceName(coin.source));
  parts.source.classList.toggle("sim", coin.source === "simulated");
  paintStar(parts.star, coin, pinned);
  paintAge(element, coin, clock);
}

function paintChange({percent, amount, window, since}, coin, period) {
  const {change} = period, trend = change ? direction(change.percent) : "unknown", words = sinceWords(period);
  percent.className = `pct num ${trend}`;
  percent.querySelector("path").setAttribute("d", ARROWS[trend]);
  setText(percent.lastElementChild, change ? formatPercent(change.percent) : "—");
  setText(since, words);
  if (!amount) return;
  setPrice(amount, change ? formatAmount(visible(change.amount, coin.decimals), coin.decimals) : {lead: "", zeros: null});
  setText(window, change ? words || texts.window_day : "");
}

/** Return 0, which has no sign, for an amount of which the price's decimals leave nothing. */
function visible(amount, decimals) {
  return decimals > 0 && Math.abs(amount) < 0.5 / 10 ** decimals ? 0 : amount;
}

/** Return since when a coin's period is, in words; empty for 24 hours. */
export function sinceWords({since}) {
  return since === null ? "" : translate("since", {time: formatHour(since)});
}

function paintStar(star, coin, pinned) {
  if (!star) return;
  star.setAttribute("aria-pressed", pinned);
  star.setAttribute("aria-label", translate("pin", {name: coin.name}));
}

/** Paint what changes without publications: ages, and what late prices look like. */
export function paintAge(element, coin, {now, late}) {
  const parts = partsOf(element), stale = coin.price !== null && (coin.stale || late);
  element.classList.toggle("old", stale);
  element.classList.toggle("disputed", coin.disputed);
  const seconds = coin.observed_at ? (now - Date.parse(coin.observed_at)) / 1000 : null;
  const old = stale ? translate("old", {age: formatDuration(seconds)}) : "";
  setText(parts.tag, coin.disputed ? texts.disputed : old);
  setText(parts.age, old || ageOf(seconds));
  if (!coin.observed_at || parts.age.dateTime === coin.observed_at) return;
  parts.age.dateTime = coin.observed_at;
  parts.age.title = formatTime(coin.observed_at);
}

function ageOf(seconds) {
  if (seconds === null) return texts.waiting;
  return seconds < JUST_NOW ? texts.now : translate("ago", {age: formatDuration(seconds)});
}

/** Return where the prices come from, in words; empty while nothing is known. */
export function listSources(coins) {
  const names = [...new Set(coins.map(({source}) => sourceName(source)).filter(Boolean))].sort();
  return names.length ? `${texts.data} ${names.join(", ")}` : "";
}
