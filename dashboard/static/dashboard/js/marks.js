/** The marks that cards and rows are made of: price with its changed digits, line, range. */
import {formatPrice} from "./numbers.js";

const FLASH_MS = 1000, WIDTH = 240, HEIGHT = 60, MARGIN = 4;
const FLASH_SHOWN_MS = 700;
const sign = document.body.dataset.sign;
const flashing = new Set();
let dimming = null;

/** End all flashes at once: an animation would cost a frame 60 times a second for as long as prices move. */
function dim() {
  dimming = null;
  for (const node of flashing) delete node.dataset.f;
  flashing.clear();
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

export function paintPrice(node, coin, flash) {
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
      node.dataset.f = Number(coin.price) > Number(coin.before) ? "u" : "d";
      flashing.add(node);
      dimming ??= setTimeout(dim, FLASH_SHOWN_MS);
    }
  }
  node.title = sign + coin.price;
}

export function paintRange(node, coin, prices) {
  node.hidden = prices.length < 2;
  if (node.hidden) return;
  const price = Number(coin.price), low = Math.min(...prices, price), high = Math.max(...prices, price);
  setPrice(node.children[0], formatPrice(low, coin.decimals));
  setPrice(node.children[2], formatPrice(high, coin.decimals));
  const at = high > low ? ((price - low) / (high - low)) * 100 : 50;
  node.querySelector(".d").setAttribute("d", `M${at.toFixed(1)} 4h0`);
}

/** Draw the last prices: the same path data as `dashboard/sparkline.py` writes into the template. */
export function drawLine(element, prices) {
  const [base, area, line, dot] = element.querySelectorAll("path");
  if (prices.length < 2) return [base, area, line, dot].forEach((path) => path.setAttribute("d", ""));
  const low = Math.min(...prices), high = Math.max(...prices);
  const scale = (HEIGHT - 2 * MARGIN) / (high - low || 1);
  const heights = prices.map((price) => (HEIGHT - MARGIN - (price - low) * scale).toFixed(1));
  const step = WIDTH / (prices.length - 1);
  const points = "M" + heights.map((height, index) => `${(index * step).toFixed(1)} ${height}`).join("L");
  line.setAttribute("d", points);
  area.setAttribute("d", `${points}V${HEIGHT}H0Z`);
  base.setAttribute("d", `M0 ${heights[0]}H${WIDTH}`);
  dot.setAttribute("d", `M${WIDTH} ${heights.at(-1)}h0`);
  const first = prices[0], last = prices.at(-1);
  element.setAttribute("class", `spark ${last > first ? "up" : last < first ? "down" : "flat"}`);
}
