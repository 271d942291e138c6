/** How numbers and ages are written; the rules are those of `dashboard/numbers.py`, tested with the same cases. */
const TINY = 0, TINY_DIGITS = 4;
const STEPS = [[10, 2], [0.1, 4], [0.01, 5], [0.00001, 8]];
const formats = new Map();

/** Words of the page by key; `{…}` in them are filled in by `say`. */
export const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}");
export const language = document.documentElement.lang || "en";
const clock = new Intl.DateTimeFormat(language, {dateStyle: "medium", timeStyle: "medium"});

export function say(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function decimalsFor(price) {
  return STEPS.find(([least]) => Math.abs(Number(price)) >= least)?.[1] ?? TINY;
}

/** Keep a coin's decimals while its price is near their bounds, so that nothing flickers there. */
export function keepDecimals(price, decimals) {
  const near = [price, price * 2, price / 2].map(decimalsFor);
  return near.includes(decimals) ? decimals : near[0];
}

/** Write a number, or the text of an exact decimal, with so many places. */
export function formatNumber(value, places) {
  if (!formats.has(places)) {
    const options = {minimumFractionDigits: places, maximumFractionDigits: places};
    formats.set(places, new Intl.NumberFormat(language, options));
  }
  return formats.get(places).format(value);
}

/** Return {lead, zeros, digits, full}; `zeros` is null unless the price needs a subscript. */
export function formatPrice(price, decimals = decimalsFor(price)) {
  const plain = () => {
    const text = formatNumber(price, decimals || STEPS.at(-1)[1]);
    return {lead: text, zeros: null, digits: "", full: text};
  };
  if (decimals !== TINY || Number(price) === 0) return plain();
  const [digits, exponent] = significant(price);
  const zeros = -exponent - 1;
  if (zeros < 2) return plain();
  const full = formatNumber(`${digits}e${exponent - TINY_DIGITS + 1}`, zeros + TINY_DIGITS);
  return {lead: formatNumber(0, 1), zeros, digits, full};
}

const scientific = new Intl.NumberFormat("en", {
  notation: "scientific", minimumFractionDigits: TINY_DIGITS - 1, maximumFractionDigits: TINY_DIGITS - 1,
});

/** Return the first digits and the exponent of a decimal, halves rounded away from zero. */
function significant(price) {
  const [digits, exponent] = scientific.format(price).split("E");
  return [digits.replace(".", ""), Number(exponent)];
}

/** Return what is left of a change after rounding to two places: "up", "down" or "flat". */
export function direction(change) {
  const number = Number(change ?? 0);
  if (Math.abs(number) < 0.005) return "flat";
  return number > 0 ? "up" : "down";
}

export function formatPercent(change) {
  const sign = {up: "+", down: "−", flat: ""}[direction(change)];
  return sign + say("percent", {number: formatNumber(String(change).replace("-", ""), 2)});
}

/** Write seconds in one unit: 42 s, 5 min, 3 h, 2 d. */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"]].find(([size]) => whole >= size) ?? [1, "s"];
  return say(unit, {n: Math.floor(whole / size)});
}

export function formatTime(text) {
  return clock.format(new Date(text));
}
