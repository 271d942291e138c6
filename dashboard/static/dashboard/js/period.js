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
  if (coin.price === null) return {change: null, line: [], low: null, high: null, since: null};
  const day = changeOf(coin);
  if (!(end > began)) return {change: day, line: [], low: null, high: null, since: null};
  const prices = line.map(([, value]) => value);
  const [low, high] = hasCandles ? [Number(coin.low_24h), Number(coin.high_24h)] : [Math.min(...prices, price), Math.max(...prices, price)];
  if (end - began >= FULL) {
    const first = day ? price - day.amount : line[0][1];
    return {change: day, line: [[end - DAY, first], ...line.slice(1)], low, high, since: null};
  }
  const before = line[0][1];
  const change = hasCandles || day ? {percent: (price / before - 1) * 100, amount: price - before} : null; // in place of the source's
  return {change, line, low, high, since: began};
}
