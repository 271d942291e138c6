/** What cards and rows are made of: the price with its changed digits, the line, the range; and the market breadth. */
import {direction, formatExact, formatPrice, inUnit, translate, unitOf} from "./numbers.js";
import {periodOf} from "./period.js";

// A coin flashes once a second at most.
const FLASH_INTERVAL_MS = 1000, FLASH_MS = 700;
const WIDTH = 240, HEIGHT = 60, MARGIN = 4;
const flashedAt = new WeakMap(), flashing = new Set();
let flashTimer = null;

export function setText(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/** Put a coin's logo over its letter, which is left without one; *path* is the logo's, below the address of the service. */
export function paintLogo(mark, path) {
  if (!path) return mark.replaceChildren();
  const address = `${document.body.dataset.root}/${path}`;
  const image = mark.firstElementChild ?? mark.appendChild(document.createElement("img"));
  if (image.getAttribute("src") !== address) Object.assign(image, {alt: "", src: address});
  image.onerror = () => { image.hidden = true; };
  image.hidden = image.complete && !image.naturalWidth; // it could not be loaded
}

/** Put a formatted price into *node*; repeated zeros become a subscript, and screen readers get the whole number. */
export function setPrice(node, {lead, zeros, digits, full}) {
  if (zeros === null) return setText(node, lead);
  if (node.querySelector(".sr")?.textContent === full) return;
  const [visible, sub, spoken] = ["span", "sub", "span"].map((name) => document.createElement(name));
  sub.textContent = zeros;
  visible.append(lead, sub, digits);
  visible.setAttribute("aria-hidden", "true");
  spoken.className = "sr";
  spoken.textContent = full;
  node.replaceChildren(visible, spoken);
}

/** Write a coin's price; with *flash*, the digits that changed go into the tail and flash (a subscript never does). */
export function paintPrice(node, coin, flash) {
  const [leading, head, tail, trailing] = node.children, [, before, after] = unitOf(coin.currency);
  setText(leading, coin.price === null ? "" : before);
  setText(trailing, coin.price === null ? "" : after);
  node.title = coin.price === null ? "" : inUnit(formatExact(coin.price), coin.currency);
  const text = coin.price === null ? {lead: "—", zeros: null} : formatPrice(coin.price, coin.decimals);
  const shown = head.textContent + tail.textContent;
  if (text.zeros === null && text.lead === shown) return;
  const common = flash && text.zeros === null ? commonLength(text.lead, shown) : undefined;
  setPrice(head, {...text, lead: text.lead.slice(0, common)});
  setText(tail, common === undefined ? "" : text.lead.slice(common));
  if (common !== undefined) startFlash(node, Number(coin.price) > Number(coin.before) ? "up" : "down");
}

function commonLength(one, other) {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}

function startFlash(node, direction) {
  const now = performance.now();
  if (now - (flashedAt.get(node) ?? -FLASH_INTERVAL_MS) < FLASH_INTERVAL_MS) return;
  flashedAt.set(node, now);
  node.dataset.flash = direction;
  flashing.add(node);
  flashTimer ??= setTimeout(endFlashes, FLASH_MS);
}

/** End all flashes at once: an animation would cost 60 frames a second for as long as prices move. */
function endFlashes() {
  flashTimer = null;
  for (const node of flashing) delete node.dataset.flash;
  flashing.clear();
}

export function paintRange(node, coin, {low, high}) {
  node.classList.toggle("unknown", low === null);
  if (low === null) return;
  setPrice(node.firstElementChild, formatPrice(low, coin.decimals));
  setPrice(node.lastElementChild, formatPrice(high, coin.decimals));
  const at = high > low ? ((Number(coin.price) - low) / (high - low)) * 100 : 50;
  node.querySelector(".dot").setAttribute("d", `M${at.toFixed(1)} 4h0`);
}

/** Draw a line of [time, price]: the same path data as `dashboard/sparkline.py` writes into the template. */
export function drawLine(element, {line: points, change}) {
  const [base, area, line, dot] = element.querySelectorAll("path"), began = points[0]?.[0], span = points.at(-1)?.[0] - began;
  if (!(span > 0)) return [base, area, line, dot].forEach((path) => path.setAttribute("d", ""));
  const prices = points.map(([, price]) => price), low = Math.min(...prices), high = Math.max(...prices);
  const scale = high > low ? (HEIGHT - 2 * MARGIN) / (high - low) : 0;
  const bottom = high > low ? HEIGHT - MARGIN : HEIGHT / 2; // a constant price is a line in the middle
  const heights = prices.map((price) => (bottom - (price - low) * scale).toFixed(1));
  const drawn = "M" + heights.map((height, index) => `${((WIDTH * (points[index][0] - began)) / span).toFixed(1)} ${height}`).join("L");
  line.setAttribute("d", drawn);
  area.setAttribute("d", `${drawn}V${HEIGHT}H0Z`);
  base.setAttribute("d", `M0 ${heights[0]}H${WIDTH}`);
  dot.setAttribute("d", `M${WIDTH} ${heights.at(-1)}h0`);
  element.className = `spark ${direction(change ? change.percent : prices.at(-1) - prices[0])}`;
}

/** Paint how many coins went up and down: a bar, and both in words. */
export function paintBreadth(element, coins) {
  const directions = coins.map((coin) => direction(periodOf(coin).change?.percent ?? 0));
  const [up, down] = ["up", "down"].map((wanted) => directions.filter((each) => each === wanted).length);
  element.classList.toggle("level", !(up + down));
  element.querySelector(".part").setAttribute("width", up + down ? ((100 * up) / (up + down)).toFixed(1) : 50);
  setText(element.querySelector(".up"), translate("count_up", {n: up}));
  setText(element.querySelector(".down"), translate("count_down", {n: down}));
}
