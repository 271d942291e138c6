/** A uPlot line of one coin's prices, in the colours of the page's theme. */
import {formatPrice, language, words} from "./numbers.js";

export function drawChart(element, decimals) {
  let plot = null, data = [[], []];

  function build() {
    const style = getComputedStyle(document.documentElement), look = getComputedStyle(element);
    const probe = (name) => { element.style.setProperty("color", style.getPropertyValue(name)); return look.color; };
    const [ink, line, grid] = ["--ink-2", "--accent", "--line"].map(probe);
    element.style.removeProperty("color");
    const clock = new Intl.DateTimeFormat(language, {hour: "2-digit", minute: "2-digit", second: "2-digit"});
    const time = (seconds) => clock.format(new Date(seconds * 1000));
    const axis = {stroke: ink, font: '12px "Geist"', grid: {stroke: grid, width: 1}, ticks: {show: false}};
    plot?.destroy();
    plot = new window.uPlot({
      ...size(),
      cursor: {drag: {x: false, y: false}},
      scales: {x: {time: true}},
      legend: {live: true},
      axes: [
        {...axis, space: 90, values: (_, ticks) => ticks.map(time)},
        {...axis, size: 90, values: (_, ticks) => ticks.map((tick) => formatPrice(tick, decimals).full)},
      ],
      series: [
        {label: words.time, value: (_, value) => (value === null ? "—" : time(value))},
        {label: words.price, stroke: line, width: 2, points: {show: false},
          value: (_, value) => (value === null ? "—" : formatPrice(value, decimals).full)},
      ],
    }, data, element);
  }

  const size = () => ({width: Math.max(240, element.clientWidth - 24), height: 260});
  build();
  new ResizeObserver(() => plot.setSize(size())).observe(element);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  new MutationObserver(build).observe(document.documentElement, {attributeFilter: ["data-theme", "data-palette"]});
  return {
    set(points) {
      data = [points.map(([when]) => Date.parse(when) / 1000), points.map(([, price]) => Number(price))];
      plot.setData(data);
    },
  };
}
