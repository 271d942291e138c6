/** What is painted on the chart's canvas beside the line: candles, the extremes, what is disputed, the newest price. */
import {FONT, alpha} from "./chart-style.js";

// A candle's share of its place, and how wide it is at most, in CSS pixels.
const CANDLE_SHARE = 0.68, CANDLE_WIDTH = 14;

const xOf = (u, time) => u.valToPos(time, "x", true), yOf = (u, price) => u.valToPos(price, "y", true);

/** Shade the candles in which the price was disputed. */
export function shadeDisputed(u, rows, step, color) {
  u.ctx.fillStyle = alpha(color("--warn"), 0.16);
  const half = (xOf(u, step) - xOf(u, 0)) / 2;
  clipped(u, (ctx) => {
    rows.forEach((row, index) => {
      if (!row.disputed || rows[index - 1]?.disputed) return; // painted with the first of its stretch
      let last = index;
      while (rows[last + 1]?.disputed) last++;
      const left = xOf(u, row.time) - half;
      ctx.fillRect(left, u.bbox.top, xOf(u, rows[last].time) + half - left, u.bbox.height);
    });
  });
}

/** Draw each candle: a stroke from low to high, a body from open to close. */
export function drawCandles(u, step, color) {
  const [times, opens, highs, lows, closes] = u.data, ratio = devicePixelRatio;
  const place = xOf(u, step) - xOf(u, 0), width = Math.max(1, Math.min(place * CANDLE_SHARE, CANDLE_WIDTH * ratio));
  const up = new Path2D(), down = new Path2D(), wick = Math.max(1, Math.round(ratio));
  times.forEach((time, index) => {
    if (opens[index] === null) return;
    const path = closes[index] < opens[index] ? down : up, x = Math.round(xOf(u, time));
    const [open, high, low, close] = [opens, highs, lows, closes].map((prices) => yOf(u, prices[index]));
    path.rect(x - wick / 2, high, wick, Math.max(1, low - high));
    path.rect(x - width / 2, Math.min(open, close), width, Math.max(ratio, Math.abs(open - close)));
  });
  clipped(u, (ctx) => {
    for (const [path, name] of [[up, "--up"], [down, "--down"]]) {
      ctx.fillStyle = color(name);
      ctx.fill(path);
    }
  });
}

/** Draw a dot and the price at the lowest and the highest point; *extremes*: {low, high}, two candles. */
export function markExtremes(u, {low, high}, price, color) {
  if (low.low === high.high) return;
  const ratio = devicePixelRatio, {ctx, bbox} = u;
  ctx.save();
  ctx.font = FONT.replace("12", 12 * ratio);
  ctx.fillStyle = color("--ink-2");
  ctx.textAlign = "center";
  for (const [time, value, offset] of [[low.time, low.low, 18], [high.time, high.high, -10]]) {
    const x = xOf(u, time), y = yOf(u, Number(value)), text = price(value), half = ctx.measureText(text).width / 2;
    dot(ctx, x, y, 3 * ratio);
    ctx.fillText(text, Math.min(Math.max(x, bbox.left + half), bbox.left + bbox.width - half), y + offset * ratio);
  }
  ctx.restore();
}

/** Draw a dot with a halo where the price is now. */
export function markNow(u, {time, close}, color) {
  const ratio = devicePixelRatio, {ctx} = u, x = xOf(u, time), y = yOf(u, Number(close));
  ctx.save();
  ctx.fillStyle = alpha(color("--trend"), 0.22);
  dot(ctx, x, y, 8 * ratio);
  ctx.fillStyle = color("--trend");
  dot(ctx, x, y, 3.5 * ratio);
  ctx.restore();
}

function dot(ctx, x, y, radius) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fill();
}

function clipped(u, paint) {
  const {left, top, width, height} = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  paint(u.ctx);
  u.ctx.restore();
}
