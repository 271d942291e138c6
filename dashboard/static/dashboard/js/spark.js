/** The line of a coin's last prices: the same path data as `dashboard/sparkline.py` writes into the template. */
const WIDTH = 240, HEIGHT = 60, MARGIN = 4;

export function drawLine(element, prices) {
  const [base, area, line, dot] = element.querySelectorAll("path");
  if (prices.length < 2) return [base, area, line, dot].forEach((path) => path.setAttribute("d", ""));
  const low = Math.min(...prices), high = Math.max(...prices);
  const scale = (HEIGHT - 2 * MARGIN) / (high - low || 1);
  const heights = prices.map((price) => (HEIGHT - MARGIN - (price - low) * scale).toFixed(1));
  const step = WIDTH / (prices.length - 1);
  const points = "M" + heights.map((height, index) => `${(index * step).toFixed(1)} ${height}`).join("L");
  line.setAttribute("d", points);
  area.setAttribute("d", `${points}V${HEIGHT}H0Z`);
  base.setAttribute("d", `M0 ${heights[0]}H${WIDTH}`);
  dot.setAttribute("d", `M${WIDTH} ${heights.at(-1)}h0`);
  const first = prices[0], last = prices.at(-1);
  element.setAttribute("class", `spark ${last > first ? "up" : last < first ? "down" : "flat"}`);
}
