/** Candles as `/api/rates/<symbol>/candles` tells them, kept current by live prices. Knows nothing of the page. */
/** Return when a range of *count* candles and the running one begins, if it ends at *now*; all in seconds. */
export function findBeginning({step, count}, now) {
  return floor(now, step) - count * step;
}

/** Return the candles of an answer from *oldest* (seconds) on; prices stay text. */
export function readCandles(answer, oldest) {
  return answer.candles.map((candle) => ({...candle, time: Date.parse(candle.time) / 1000})).filter(({time}) => time >= oldest);
}

/** Add a published price to the running candle, at the server's time *at* in seconds; the first one of a candle opens it. */
export function extend(candles, {price, source, disputed}, at, step) {
  const time = floor(at, step), last = candles.at(-1), published = {open: price, high: price, low: price, close: price, source, disputed};
  if (last && time < last.time) return;
  if (last?.time === time) include(last, published);
  else candles.push({time, ...published});
}

/** Return {low, high}: the candles in which the price was lowest and highest. */
export function findExtremes(candles) {
  return {
    low: candles.reduce((one, other) => (Number(other.low) < Number(one.low) ? other : one)),
    high: candles.reduce((one, other) => (Number(other.high) > Number(one.high) ? other : one)),
  };
}

/**
 * Return {rows, columns} for uPlot: [time, open, high, low, close] in numbers, and the candle of each index.
 *
 * Where candles are missing there is a row of nulls: uPlot draws a line over anything else.
 */
export function toColumns(candles, step) {
  const rows = [];
  candles.forEach((candle, index) => {
    const before = candles[index - 1];
    if (before && candle.time - before.time > step) rows.push({time: before.time + step, missing: true});
    rows.push(candle);
  });
  const columns = ["open", "high", "low", "close"].map((name) => rows.map((row) => (row.missing ? null : Number(row[name]))));
  return {rows, columns: [rows.map(({time}) => time), ...columns]};
}

function include(candle, {high, low, close, source, disputed}) {
  if (Number(high) > Number(candle.high)) candle.high = high;
  if (Number(low) < Number(candle.low)) candle.low = low;
  Object.assign(candle, {close, source, disputed: candle.disputed || disputed});
}

/** Return when the candle of *step* seconds that contains a time begins. */
export function floor(seconds, step) {
  return Math.floor(seconds / step) * step;
}
