/** Over which period a coin's change, line and range are shown; the rules are those of `dashboard/period.py`. Times in seconds. */
const DAY = 86400, FULL = 23 * 3600;
// Of about this many points a line is made.
const POINTS = 48, MOST = 3 * POINTS;

/** Return *line* with a newer price: it moves the end, and every so often it is a point of its own. */
export function extendLine(line, at, price) {
  let points = line;
  if (points.length && at < points.at(-1)[0]) return points;
  while (points.length > 2 && points[1][0] <= at - DAY) points = points.slice(1);
  const apart = points.length > 1 && at - points.at(-2)[0] < (at - points[0][0]) / POINTS;
  points = [...(apart ? points.slice(0, -1) : points), [at, price]];
  return points.length > MOST ? points.filter((_, index) => index % 2 === 0 || index === points.length - 1) : points;
}

/** Return {percent, amount} of a coin over 24 hours; null when nobody says. */
export function changeOf({price, change_24h_pct: percent}) {
  if (price === null || percent === null) return null;
  const before = percent > -100 ? price / (1 + percent / 100) : 0;
  return {percent, amount: price - before};
}

/**
 * Return {change, line, low, high, since}: *since* (seconds) where what we know does not reach back 24 hours, else null.
 *
 * *change*: {percent, amount}, or null where nobody knows it; *low*, *high*: null where there is nothing to compare with.
 */
export function periodOf(coin) {
  const {line} = coin, price = Number(coin.price), hasCandles = coin.low_24h !== undefined, began = line[0]?.[0], end = line.at(-1)?.[0];
  const unknown = {change: null, line: [], low: null, high: null, since: null};
  if (coin.price === null) return unknown;
  const day = changeOf(coin), prices = line.map(([, value]) => value), before = prices[0], span = end - began;
  const [low, high] = hasCandles ? [Number(coin.low_24h), Number(coin.high_24h)] : [Math.min(...prices, price), Math.max(...prices, price)];
  if (span >= FULL) return {change: day, line: fromDayBefore(line, day ? price - day.amount : before), low, high, since: null};
  if (hasCandles && span > 0) return {change: {percent: (price / before - 1) * 100, amount: price - before}, line, low, high, since: began};
  if (day) return {...unknown, change: day, line: fromDayBefore([[0, 0], ...(line.length ? line : [[DAY, price]])], price - day.amount)};
  return span > 0 ? {change: null, line, low, high, since: began} : unknown;
}

/** Return *line* with its first point replaced by the price of 24 hours before its end. */
function fromDayBefore(line, price) {
  return [[line.at(-1)[0] - DAY, price], ...line.slice(1)];
}
