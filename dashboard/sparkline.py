"""A coin's stored prices as SVG path data for the template; `js/marks.js` draws the same path."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 240, 60, 4


@dataclass(frozen=True, slots=True)
class Sparkline:
    """
    Path data for a box of `WIDTH` x `HEIGHT`.

    Attributes:
        line: through all points.
        area: the line, closed along the bottom.
        base: level of the first point.
        dot: the last point, as a stroke of no length with a round cap (a circle would be stretched with the box).
    """

    line: str
    area: str
    base: str
    dot: str


def draw(points: Sequence[tuple[float, float]]) -> Sparkline | None:
    """Return the line through *points* (time, price), oldest first; None when there are not two of them."""
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return None
    prices = [price for _, price in points]
    low, high, (began, _), (end, _) = min(prices), max(prices), points[0], points[-1]
    scale = (HEIGHT - 2 * MARGIN) / (high - low) if high > low else 0
    # A constant price is a line in the middle.
    bottom = HEIGHT - MARGIN if high > low else HEIGHT / 2
    heights = [f"{bottom - (price - low) * scale:.1f}" for price in prices]
    widths = [f"{WIDTH * (at - began) / (end - began):.1f}" for at, _ in points]
    line = "M" + "L".join(f"{width} {height}" for width, height in zip(widths, heights, strict=True))
    return Sparkline(line, f"{line}V{HEIGHT}H0Z", f"M0 {heights[0]}H{WIDTH}", f"M{WIDTH} {heights[-1]}h0")
