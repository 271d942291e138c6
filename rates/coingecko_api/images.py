"""
A picture for each coin, as the board shows it: its logo, or its first letter on its colour.

Tested in `tests/coingecko_api/test_lists.py`.
"""

from html import escape
from urllib.parse import quote

from rates.coingecko_api.catalog import Listed

# Those of `.hue-0` and so on in the pages' style.
COLOURS = (
    *("#c2477f", "#d9a406", "#4a6a86", "#b59a30", "#2a5ada", "#627eea", "#5f7a9c", "#9945ff", "#f7931a", "#3f8f3a"),
    "#3e7fa8",
)
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">'
    '<circle cx="32" cy="32" r="32" fill="{colour}"/>'
    '<text x="32" y="32" dy=".36em" text-anchor="middle" fill="#fff" font-family="sans-serif" font-weight="700" '
    'font-size="30">{letter}</text></svg>'
)


def draw(symbol: str) -> str:
    """Return the picture of a coin without a logo, as SVG."""
    colour = COLOURS[sum(map(ord, symbol)) % len(COLOURS)]
    return PICTURE.format(colour=colour, letter=escape(symbol[0]))


def image_url(site: str, coin: Listed) -> str:
    """Return the address of a coin's picture; *site* is ours, with a slash at its end."""
    return f"{site}{coin.logo}" if coin.logo else f"{site}api/v3/images/{quote(coin.coin_id)}.svg"


def image_urls(site: str, coin: Listed, *sizes: str) -> dict[str, str]:
    """Return the address for each of *sizes*: the picture has any."""
    return dict.fromkeys(sizes, image_url(site, coin))
