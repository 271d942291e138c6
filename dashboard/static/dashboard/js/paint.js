/** Write one coin into its card or row; only what differs is touched, and everything goes in as text. */
import {changeOf} from "./board.js";
import {direction, formatDuration, formatPercent, formatPrice, formatTime, say, words} from "./numbers.js";
import {drawLine} from "./spark.js";

const HUES = 11, JUST_NOW = 10, FLASH_MS = 1000;
const ARROWS = {up: "M4.5 1 8.6 8H.4z", down: "M4.5 8 .4 1h8.2z", flat: "M1 4h7v1H1z"};
const SOURCES = {coingecko: "CoinGecko", binance: "Binance", kraken: "Kraken"};
const known = new WeakMap();
const sign = document.body.dataset.sign;

function partsOf(element) {
  if (!known.has(element)) {
    const parts = [...element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]);
    known.set(element, Object.fromEntries(parts));
  }
  return known.get(element);
}

export function setText(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/** Put a formatted price into *node*; zeros that repeat become a subscript, for screen readers the whole number. */
export function setPrice(node, {lead, zeros, digits, full}) {
  if (zeros === null) return setText(node, lead);
  if (node.dataset.full === full && node.firstElementChild) return;
  const seen = document.createElement("span"), sub = document.createElement("sub"), read = document.createElement("span");
  sub.textContent = zeros;
  seen.append(lead, sub, digits);
  seen.setAttribute("aria-hidden", "true");
  read.className = "sr";
  read.textContent = full;
  node.replaceChildren(seen, read);
  node.dataset.full = full;
}

function paintPrice(node, coin, flash) {
  const [currency, head, tail] = node.children;
  if (coin.price === null) return setText(head, "—");
  const text = formatPrice(coin.price, coin.decimals), was = head.textContent + tail.textContent;
  setText(currency, sign);
  if (text.zeros !== null) { setText(tail, ""); setPrice(head, text); } else if (text.lead !== was) {
    let same = 0;
    while (flash && same < text.lead.length && text.lead[same] === was[same]) same++;
    setText(head, text.lead.slice(0, flash ? same : undefined));
    setText(tail, flash ? text.lead.slice(same) : "");
    if (flash && performance.now() - (node.flashed ?? -FLASH_MS) >= FLASH_MS) {
      node.flashed = performance.now();
      const way = Number(coin.price) > Number(coin.before) ? "u" : "d";
      node.dataset.f = way + (node.dataset.f?.[1] === "1" ? 2 : 1);
    }
  }
  node.title = sign + coin.price;
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

function paintRange(node, coin, prices) {
  node.hidden = prices.length < 2;
  if (node.hidden) return;
  const price = Number(coin.price), low = Math.min(...prices, price), high = Math.max(...prices, price);
  setPrice(node.children[0], formatPrice(low, coin.decimals));
  setPrice(node.children[2], formatPrice(high, coin.decimals));
  const at = high > low ? ((price - low) / (high - low)) * 100 : 50;
  node.querySelector(".d").setAttribute("d", `M${at.toFixed(1)} 4h0`);
}

/** Paint everything that comes with a publication. */
export function paintCoin(element, coin, {flash, pinned}) {
  const parts = partsOf(element), prices = coin.history.map(Number);
  setText(parts.name, coin.name);
  parts.name.title = coin.name;
  setText(parts.symbol, coin.symbol);
  paintPrice(parts.price, coin, flash && coin.before !== null && coin.before !== coin.price);
  paintChange(parts, coin);
  drawLine(parts.line, prices);
  paintRange(parts.range, coin, coin.price === null ? [] : prices);
  setText(parts.source, coin.source === "simulated" ? words.simulated : (SOURCES[coin.source] ?? coin.source ?? ""));
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
