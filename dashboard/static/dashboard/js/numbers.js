/** How numbers and ages are written; the rules are those of `dashboard/numbers.py`, tested with the same cases. */
const TINY = -1, TINY_DIGITS = 4, OWN_DIGITS = 4;
const STEPS = [[10, 2], [0.1, 4], [0.01, 5], [0.00001, 8]];
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/** The texts of the page by key, in its language; `translate` fills in their `{…}`. */
export const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
/** By the code of a currency: its decimals, and what stands before and after a number in it. */
const units = JSON.parse(document.getElementById("units")?.textContent ?? "{}");
export const language = document.documentElement.lang || "en";

const formats = new Map();
const moment = new Intl.DateTimeFormat(language, {dateStyle: "medium", timeStyle: "medium"});
const clock = new Intl.DateTimeFormat(language, {timeStyle: "medium"});
const hour = new Intl.DateTimeFormat(language, {timeStyle: "short"});
const scientific = new Intl.NumberFormat("en", {
  notation: "scientific", minimumFractionDigits: TINY_DIGITS - 1, maximumFractionDigits: TINY_DIGITS - 1,
});

export function translate(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Return the name of a source as pages show it. */
export function sourceName(source) {
  return texts[`source_${source}`] ?? source ?? "";
}

/** Return [decimals, before, after] of a currency; one that is offered no longer is written as its code. */
export function unitOf(currency) {
  return units[currency] ?? [2, "", `\u00a0${currency.toUpperCase()}`];
}

/** Return how many decimals a price is shown with in a currency of *own* ones. */
export function decimalsFor(price, own = 2) {
  if (Math.abs(Number(price)) >= Number(`1e${own ? OWN_DIGITS - 1 - own : 0}`)) return own;
  return STEPS.find(([least]) => Math.abs(Number(price)) >= least)?.[1] ?? TINY;
}

/** Keep a coin's decimals while its price is near a threshold, so that the page does not flicker there. */
export function keepDecimals(price, decimals, own) {
  const near = [price, price * 2, price / 2].map((each) => decimalsFor(each, own));
  return near.includes(decimals) ? decimals : near[0];
}

/** Write a number, or the text of an exact decimal, with *places* decimals. */
export function formatNumber(value, places) {
  if (!formats.has(places)) {
    const options = {minimumFractionDigits: places, maximumFractionDigits: places};
    formats.set(places, new Intl.NumberFormat(language, options));
  }
  return formats.get(places).format(value);
}

/** Write the text of an exact decimal with every digit that it has. */
export function formatExact(price) {
  return formatNumber(price, price.split(".")[1]?.length ?? 0);
}

/** Return {lead, zeros, digits, full}; `zeros` is null unless the price needs a subscript. */
export function formatPrice(price, decimals = decimalsFor(price)) {
  const tiny = decimals === TINY && Number(price) !== 0 ? formatTiny(price) : null;
  if (tiny) return tiny;
  const text = formatNumber(price, decimals === TINY ? STEPS.at(-1)[1] : decimals);
  return {lead: text, zeros: null, digits: "", full: text};
}

/** Write a price with the sign of its currency where the language puts it. */
export function money(price, currency, decimals = decimalsFor(price, unitOf(currency)[0])) {
  return inUnit(formatPrice(price, decimals).full, currency);
}

/** Write *text*, a number, with the sign of a currency. */
export function inUnit(text, currency) {
  const [, before, after] = unitOf(currency);
  return before + text + after;
}

/** `Intl` rounds halves away from zero, as Python does here. Null when plain decimals will do. */
function formatTiny(price) {
  const [mantissa, exponent] = scientific.format(price).split("E");
  const digits = mantissa.replace(".", ""), zeros = -Number(exponent) - 1;
  if (zeros < 2) return null;
  const full = formatNumber(`${digits}e${-zeros - TINY_DIGITS}`, zeros + TINY_DIGITS);
  return {lead: formatNumber(0, 1), zeros, digits, full};
}

/** Return what a price moved by, like `formatPrice`, with a sign; where prices have no decimals, with those of its size. */
export function formatAmount(amount, decimals) {
  const text = formatPrice(Math.abs(amount), decimals || (Number(amount) ? decimalsFor(amount, decimals) : 0)), sign = amount > 0 ? "+" : amount < 0 ? "−" : "";
  return {...text, lead: sign + text.lead, full: sign + text.full};
}

/** Return what is left of a change after rounding to two places: "up", "down" or "flat". */
export function direction(change) {
  const number = Number(change ?? 0);
  if (Math.abs(number) < 0.005) return "flat";
  return number > 0 ? "up" : "down";
}

export function formatPercent(change) {
  return {up: "+", down: "−", flat: ""}[direction(change)] + formatShare(typeof change === "number" ? Math.abs(change) : change.replace("-", ""));
}

/** Write a percentage without a direction. */
export function formatShare(share) {
  return translate("percent", {number: formatNumber(share, 2)});
}

/** Write seconds in one unit: 42 s, 5 min, 3 h, 2 d. */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [size, unit] = UNITS.find(([size]) => whole >= size) ?? UNITS.at(-1);
  return translate(unit, {n: Math.floor(whole / size)});
}

/** Write a moment in the visitor's time zone. */
export function formatTime(text) {
  return moment.format(new Date(text));
}

/** Like `formatTime`, but without the date if that is today. */
export function formatClock(text) {
  const date = new Date(text);
  return (date.toDateString() === new Date().toDateString() ? clock : moment).format(date);
}

/** Write a time (seconds) as hour and minute. */
export function formatHour(seconds) {
  return hour.format(seconds * 1000);
}
