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


def draw(prices: Sequence[float]) -> Sparkline | None:
    """Return the line through *prices*, oldest first; None when there are not two of them."""
    if len(prices) < 2:
        return None
    low, high = min(prices), max(prices)
    scale = (HEIGHT - 2 * MARGIN) / (high - low) if high > low else 0
    # A constant price is a line in the middle.
    bottom = HEIGHT - MARGIN if high > low else HEIGHT / 2
    heights = [f"{bottom - (price - low) * scale:.1f}" for price in prices]
    step = WIDTH / (len(prices) - 1)
    line = "M" + "L".join(f"{index * step:.1f} {height}" for index, height in enumerate(heights))
    return Sparkline(line, f"{line}V{HEIGHT}H0Z", f"M0 {heights[0]}H{WIDTH}", f"M{WIDTH} {heights[-1]}h0")
