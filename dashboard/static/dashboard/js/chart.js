/** A uPlot chart of one coin's candles or of the line of their closes, in the colours of the page's theme. */
import {findExtremes, toColumns} from "./candles.js";
import {drawCandles, markExtremes, markNow, shadeDisputed} from "./chart-marks.js";
import {FONT, GAP, areaGradient, axisWidth, padRange, priceLabels, readColors, timeLabels} from "./chart-style.js";

const DAY = 86400;

/** *price* writes a price; *onPoint* is called with the candle under the pointer, or null. */
export function drawChart(element, price, onPoint) {
  const fallback = element.querySelector(".spark");
  const unseen = {paths: () => null, points: {show: false}}; // it counts for the scale
  let plot = null, shown = {candles: [], step: 60, kind: "line", until: 0}, rows = [], columns = [[], [], [], [], []], built = "";
  const size = () => ({width: element.clientWidth, height: element.clientHeight});

  /** What uPlot cannot change in place: days are in UTC, a line has one colour. */
  const look = () => [shown.kind, shown.step, trendOf(shown.candles), rows.length > 0].join();

  function build() {
    const color = readColors(element, trendOf(shown.candles)), utc = shown.step >= DAY, line = shown.kind === "line";
    const axis = {stroke: color("--ink-3"), font: FONT, grid: {stroke: color("--line"), width: 1}, ticks: {show: false}};
    plot?.destroy();
    fallback?.remove();
    built = look();
    const close = {
      stroke: color("--trend"), width: 2, fill: (u) => areaGradient(u, color("--trend")),
      points: {show: true, size: 4, filter: lonePoints},
    };
    plot = new window.uPlot({
      ...size(),
      padding: [24, 8, 0, 28],
      legend: {show: false},
      cursor: {drag: {x: false, y: false}, y: false, points: {show: line, size: 9, width: 2}},
      tzDate: (time) => (utc ? window.uPlot.tzDate(new Date(time * 1000), "Etc/UTC") : new Date(time * 1000)),
      scales: {
        // Not what uPlot proposes, which for one candle is years. A gap up to the present is one too.
        x: {time: true, range: () => [shown.candles[0].time - shown.step / 2, Math.max(shown.candles.at(-1).time, shown.until) + shown.step / 2]},
        y: {range: (_, low, high) => padRange(low, high)},
      },
      axes: [
        {...axis, space: 84, gap: GAP, size: 36, values: (_, times, at, space, step) => timeLabels(times, step, utc)},
        {...axis, side: 1, gap: GAP, size: axisWidth, values: (_, prices, at, space, step) => priceLabels(prices, step)},
      ],
      series: [{}, unseen, unseen, unseen, line ? close : unseen],
      hooks: {
        drawClear: [(u) => shadeDisputed(u, rows, shown.step, color)],
        draw: [(u) => {
          if (!shown.candles.length) return;
          if (!line) drawCandles(u, shown.step, color);
          else if (shown.candles.at(-1).time >= shown.until) markNow(u, shown.candles.at(-1), color);
          markExtremes(u, findExtremes(shown.candles), price, color);
        }],
        setCursor: [(u) => onPoint(u.cursor.idx === null || rows[u.cursor.idx]?.missing ? null : rows[u.cursor.idx])],
      },
    }, columns, element);
  }

  new ResizeObserver(() => plot?.setSize(size())).observe(element);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && build());
  new MutationObserver(() => plot && build())
    .observe(document.documentElement, {attributeFilter: ["data-theme", "data-palette"]});
  document.fonts.ready.then(() => plot?.redraw(false, true));
  return {
    /** Show candles, oldest first, up to the one that begins at *until* (seconds); *kind*: "line" or "candles". */
    show(view) {
      shown = view;
      ({rows, columns} = toColumns(view.candles, view.step));
      if (plot && built === look()) plot.setData(columns);
      else build();
    },
    clear() {
      plot?.destroy();
      fallback?.remove();
      plot = null;
      rows = [];
    },
    /** Put the cursor on a candle, as a pointer would. */
    point(candle) {
      const index = rows.indexOf(candle);
      if (index >= 0) plot.setCursor({left: plot.valToPos(columns[0][index], "x"), top: plot.valToPos(columns[4][index], "y")});
    },
  };
}

/** A price between two gaps has no line: it gets a dot. */
function lonePoints(u, series) {
  const prices = u.data[series], found = [];
  prices.forEach((price, i) => { if (price !== null && prices[i - 1] == null && prices[i + 1] == null) found.push(i); });
  return found;
}

function trendOf(candles) {
  const first = Number(candles[0]?.open), last = Number(candles.at(-1)?.close);
  return last > first ? "up" : last < first ? "down" : "flat";
}
