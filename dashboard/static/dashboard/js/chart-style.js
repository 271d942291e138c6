/** What the chart looks like: the page's colours, paddings, and how its axes are labelled. */
import {formatNumber, language} from "./numbers.js";

export const FONT = '12px "Geist", system-ui, sans-serif', GAP = 8;
const DAY = 86400;

/** Return a function that resolves a colour of the stylesheet for the canvas; `--trend` is that of the line. */
export function readColors(element, trend) {
  const names = {"--trend": {up: "--up", down: "--down", flat: "--ink-3"}[trend]}, resolved = {};
  return (name) => {
    if (!resolved[name]) {
      element.style.color = `var(${names[name] ?? name})`;
      resolved[name] = getComputedStyle(element).color;
      element.style.color = "";
    }
    return resolved[name];
  };
}

export function alpha(color, share) {
  return color.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}

/** Return the y range with room for the marks above and below; a constant price is in the middle. */
export function padRange(low, high) {
  if (low === null) return [0, 1];
  const room = (high - low) * 0.12 || Math.abs(high) * 0.001;
  return [low - room, high + room];
}

/** Return the width of the price axis: its digits are all equally wide. */
export function axisWidth(u, labels) {
  return 2 * GAP + Math.max(40, ...(labels ?? []).map((label) => label.length * 7));
}

/** Return prices of the axis with as many decimals as its step has. */
export function priceLabels(prices, step) {
  let places = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  if (Math.abs(step * 10 ** places - Math.round(step * 10 ** places)) > 1e-6) places++; // 2.5
  return prices.map((price) => formatNumber(price, places));
}

const formats = new Map();

/** Write a time (seconds) with `Intl` *options*; days are days in UTC, as their candles. */
export function formatMoment(time, options, utc) {
  const key = JSON.stringify([options, utc]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language, {...options, ...(utc && {timeZone: "UTC"})}));
  return formats.get(key).format(time * 1000);
}

/**
 * Return times of the axis as its step asks for: clock times, and the date where a day begins; days; months.
 *
 * Few candles are drawn wide, and there is no label within a minute, or within a day where candles are of days (*utc*).
 */
export function timeLabels(times, step, utc) {
  const day = {day: "numeric", month: "short"}, clock = {hour: "numeric", minute: "2-digit"};
  return times.map((time) => {
    if (time % (utc ? DAY : 60)) return "";
    if (step >= 28 * DAY) return formatMoment(time, {month: "short", year: "numeric"}, utc);
    const date = new Date(time * 1000), midnight = utc ? time % DAY === 0 : date.getHours() + date.getMinutes() === 0;
    return formatMoment(time, step >= DAY || midnight ? day : clock, utc);
  });
}

/** Return the gradient below the line. */
export function areaGradient(u, color) {
  const {top, height} = u.bbox;
  if (!Number.isFinite(top + height)) return "transparent"; // asked before there is a size
  const gradient = u.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, alpha(color, 0.22));
  gradient.addColorStop(1, alpha(color, 0));
  return gradient;
}
