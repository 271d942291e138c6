/** What the chart looks like: the page's colours, paddings, marks. */
export const FONT = '12px "Geist", system-ui, sans-serif', GAP = 8;

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

/** Return the y range with room for the marks above and below; a constant price is in the middle. */
export function padRange(low, high) {
  const room = (high - low) * 0.12 || Math.abs(high) * 0.001;
  return [low - room, high + room];
}

/** Return the width of the price axis: its digits are all equally wide. */
export function axisWidth(u, labels) {
  return 2 * GAP + Math.max(40, ...(labels ?? []).map((label) => label.length * 7));
}

/** Return the gradient below the line. */
export function areaGradient(u, color) {
  const {top, height} = u.bbox;
  if (!Number.isFinite(top + height)) return "transparent"; // asked before there is a size
  const gradient = u.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, color.replace(/^rgb\((.*)\)$/, "rgba($1, 0.22)"));
  gradient.addColorStop(1, color.replace(/^rgb\((.*)\)$/, "rgba($1, 0)"));
  return gradient;
}

/** Draw a dot and the price at the lowest and the highest point. */
export function markExtremes(u, price, color) {
  const prices = u.data[1], ratio = devicePixelRatio, ctx = u.ctx;
  const low = Math.min(...prices), high = Math.max(...prices);
  if (low === high) return;
  ctx.save();
  ctx.font = FONT.replace("12", 12 * ratio);
  ctx.fillStyle = color("--ink-2");
  for (const [value, offset] of [[low, 18], [high, -10]]) {
    const x = u.valToPos(u.data[0][prices.indexOf(value)], "x", true), y = u.valToPos(value, "y", true);
    const half = ctx.measureText(price(value)).width / 2;
    ctx.beginPath();
    ctx.arc(x, y, 3.5 * ratio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.textAlign = "center";
    const inside = Math.min(Math.max(x, u.bbox.left + half), u.bbox.left + u.bbox.width - half);
    ctx.fillText(price(value), inside, y + offset * ratio);
  }
  ctx.restore();
}
