/** A uPlot line of one coin's prices, in the colours of the page's theme, with its lowest and highest point marked. */
import {FONT, GAP, areaGradient, axisWidth, markExtremes, padRange, readColors} from "./chart-style.js";
import {formatNumber, formatPrice, language, texts} from "./numbers.js";

const HEIGHT = 320;
const clock = new Intl.DateTimeFormat(language, {timeStyle: "medium"});

export function drawChart(element, decimals) {
  const fallback = element.querySelector(".spark"), empty = element.querySelector("p");
  let plot = null, data = [[], []];
  const size = () => ({width: element.clientWidth, height: HEIGHT});
  const price = (value) => formatPrice(value, decimals).full;
  /** With as many decimals as it takes to tell the steps of the axis apart. */
  const labels = (prices, step) => {
    const places = Math.max(decimals, Math.ceil(-Math.log10(step)));
    return prices.map((value) => formatNumber(value, places));
  };

  function build() {
    const color = readColors(element, trendOf(data[1]));
    const axis = {stroke: color("--ink-3"), font: FONT, grid: {stroke: color("--line"), width: 1}, ticks: {show: false}};
    plot?.destroy();
    fallback.remove();
    plot = new window.uPlot({
      ...size(),
      padding: [24, 8, 0, 16],
      cursor: {drag: {x: false, y: false}, points: {size: 9, width: 2}},
      scales: {x: {time: true}, y: {range: (_, low, high) => padRange(low, high)}},
      axes: [
        {...axis, space: 100, gap: GAP, size: 36, values: (_, times) => times.map((time) => clock.format(time * 1000))},
        {...axis, side: 1, gap: GAP, size: axisWidth, values: (_, prices, axis, space, step) => labels(prices, step)},
      ],
      series: [
        {label: texts.time, value: (_, time) => (time === null ? "—" : clock.format(time * 1000))},
        {
          label: texts.price, stroke: color("--trend"), width: 2, points: {show: false},
          fill: (u) => areaGradient(u, color("--trend")),
          value: (_, value) => (value === null ? "—" : price(value)),
        },
      ],
      hooks: {draw: [(u) => markExtremes(u, price, color)]},
    }, data, element);
  }

  new ResizeObserver(() => plot?.setSize(size())).observe(element);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && build());
  new MutationObserver(() => plot && build())
    .observe(document.documentElement, {attributeFilter: ["data-theme", "data-palette"]});
  document.fonts.ready.then(() => plot?.redraw(false, true));
  return {
    /** Show [time, price] pairs, oldest first. */
    set(points) {
      const oldTrend = trendOf(data[1]);
      data = [points.map(([time]) => Date.parse(time) / 1000), points.map(([, value]) => Number(value))];
      empty.hidden = points.length > 1;
      if (points.length < 2) return;
      if (plot && trendOf(data[1]) === oldTrend) plot.setData(data);
      else build(); // uPlot cannot change the colour of a line
    },
  };
}

function trendOf(prices) {
  const first = prices[0], last = prices.at(-1);
  return last > first ? "up" : last < first ? "down" : "flat";
}
