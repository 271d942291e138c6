/** The marks that cards and rows are made of: price with its changed digits, line, range, breadth. */
import {changeOf} from "./board.js";
import {direction, formatPrice, say} from "./numbers.js";

// A coin flashes once a second at most.
const FLASH_EVERY_MS = 1000, FLASH_MS = 700;
const WIDTH = 240, HEIGHT = 60, MARGIN = 4;
const sign = document.body.dataset.sign;
const flashed = new WeakMap(), flashing = new Set();
let dimming = null;

export function setText(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/** Put a formatted price into *node*; zeros that repeat become a subscript, for screen readers the whole number. */
export function setPrice(node, {lead, zeros, digits, full}) {
  if (zeros === null) return setText(node, lead);
  if (node.querySelector(".sr")?.textContent === full) return;
  const [seen, sub, read] = ["span", "sub", "span"].map((name) => document.createElement(name));
  sub.textContent = zeros;
  seen.append(lead, sub, digits);
  seen.setAttribute("aria-hidden", "true");
  read.className = "sr";
  read.textContent = full;
  node.replaceChildren(seen, read);
}

/** Write a coin's price; with *flash*, the digits that changed stand in the tail and light up. */
export function paintPrice(node, coin, flash) {
  const [currency, head, tail] = node.children;
  setText(currency, coin.price === null ? "" : sign);
  node.title = coin.price === null ? "" : sign + coin.price;
  const text = coin.price === null ? {lead: "—", zeros: null} : formatPrice(coin.price, coin.decimals);
  const was = head.textContent + tail.textContent;
  if (text.zeros === null && text.lead === was) return;
  const same = flash && text.zeros === null ? sameStart(text.lead, was) : undefined;
  setPrice(head, {...text, lead: text.lead.slice(0, same)});
  setText(tail, same === undefined ? "" : text.lead.slice(same));
  if (same !== undefined) light(node, Number(coin.price) > Number(coin.before) ? "up" : "down");
}

function sameStart(one, other) {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}

function light(node, way) {
  const now = performance.now();
  if (now - (flashed.get(node) ?? -FLASH_EVERY_MS) < FLASH_EVERY_MS) return;
  flashed.set(node, now);
  node.dataset.flash = way;
  flashing.add(node);
  dimming ??= setTimeout(dim, FLASH_MS);
}

/** End all flashes at once: an animation would cost a frame 60 times a second for as long as prices move. */
function dim() {
  dimming = null;
  for (const node of flashing) delete node.dataset.flash;
  flashing.clear();
}

export function paintRange(node, coin, prices) {
  node.hidden = coin.price === null || prices.length < 2;
  if (node.hidden) return;
  const price = Number(coin.price), low = Math.min(...prices, price), high = Math.max(...prices, price);
  setPrice(node.firstElementChild, formatPrice(low, coin.decimals));
  setPrice(node.lastElementChild, formatPrice(high, coin.decimals));
  const at = high > low ? ((price - low) / (high - low)) * 100 : 50;
  node.querySelector(".dot").setAttribute("d", `M${at.toFixed(1)} 4h0`);
}

/** Draw the last prices: the same path data as `dashboard/sparkline.py` writes into the template. */
export function drawLine(element, prices) {
  const [base, area, line, dot] = element.querySelectorAll("path");
  if (prices.length < 2) return [base, area, line, dot].forEach((path) => path.setAttribute("d", ""));
  const low = Math.min(...prices), high = Math.max(...prices);
  const step = WIDTH / (prices.length - 1), scale = high > low ? (HEIGHT - 2 * MARGIN) / (high - low) : 0;
  const floor = high > low ? HEIGHT - MARGIN : HEIGHT / 2;
  const heights = prices.map((price) => (floor - (price - low) * scale).toFixed(1));
  const points = "M" + heights.map((height, index) => `${(index * step).toFixed(1)} ${height}`).join("L");
  line.setAttribute("d", points);
  area.setAttribute("d", `${points}V${HEIGHT}H0Z`);
  base.setAttribute("d", `M0 ${heights[0]}H${WIDTH}`);
  dot.setAttribute("d", `M${WIDTH} ${heights.at(-1)}h0`);
  const first = prices[0], last = prices.at(-1);
  element.className = `spark ${last > first ? "up" : last < first ? "down" : "flat"}`;
}

/** How many coins went up and down: a bar, and both in words. */
export function paintBreadth(element, coins) {
  const ways = coins.map((coin) => direction(changeOf(coin)?.percent ?? 0));
  const [up, down] = ["up", "down"].map((way) => ways.filter((each) => each === way).length);
  element.querySelector(".part").setAttribute("width", up + down ? ((100 * up) / (up + down)).toFixed(1) : 50);
  setText(element.querySelector(".up"), say("count_up", {n: up}));
  setText(element.querySelector(".down"), say("count_down", {n: down}));
}
