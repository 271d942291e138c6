"""
How the four prices of a candle are stored: exactly, digit for digit, in a third of the bytes that text takes.

    1 byte   how many bytes each number has
    4 times  1 byte: decimals; the digits without their point, as a whole number

Both databases store these bytes as they are. Numbers do not survive in SQLite: it keeps what Django calls a decimal as
a double, and returns 15 digits of it.

Tested in `tests/history/test_archive.py`.
"""

from collections.abc import Iterable
from decimal import Context, Decimal

# Units of each number of decimals. Multiplying by one moves the point, and rounds to the digits of its context.
UNITS = [Decimal(1).scaleb(-decimals) for decimals in range(256)]
EXACT = Context(prec=700)


def pack_prices(prices: Iterable[Decimal]) -> bytes:
    """
    Return *prices*, none of them negative, as bytes.

    Raises:
        ValueError: when one has more than 255 decimals, or 612 digits.
    """
    numbers = [_split(price) for price in prices]
    width = (max([digits for _, digits in numbers]).bit_length() + 7) // 8
    packed = bytearray((width,))
    for decimals, digits in numbers:
        packed.append(decimals)
        packed += digits.to_bytes(width, "big")
    return bytes(packed)


def _split(price: Decimal) -> tuple[int, int]:
    text = str(price)
    whole, _, fraction = (format(price, "f") if "E" in text else text).partition(".")
    return len(fraction), int(whole + fraction)


def unpack_prices(data: bytes) -> list[Decimal]:
    """Return the prices in *data*."""
    step = data[0] + 1
    return [
        EXACT.multiply(int.from_bytes(data[at + 1 : at + step]), UNITS[data[at]]) for at in range(1, len(data), step)
    ]
