"""What may pass for a number of a vendor: a finite decimal of sane size, never a bool, a text or a float."""

from decimal import Decimal

# A price outside 1e-30 .. 1e19 is a fault, and would be a line of zeros on the page.
LOWEST_EXPONENT = -30
HIGHEST_EXPONENT = 18
MOST_DIGITS = 60


def read_number(value: object) -> Decimal | None:
    """Return *value* if it is a finite decimal (or int) of sane size; None otherwise."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    if value and not LOWEST_EXPONENT <= value.adjusted() <= HIGHEST_EXPONENT:
        return None
    return value if len(value.as_tuple().digits) <= MOST_DIGITS else None


def read_price(value: object) -> Decimal | None:
    """Return *value* if it is a usable price: a number above zero."""
    number = read_number(value)
    return number if number is not None and number > 0 else None


def read_price_text(value: object) -> Decimal | None:
    """Return the price in a text of digits, as exchanges send it; None for anything else."""
    if not isinstance(value, str) or len(value) > MOST_DIGITS:
        return None
    try:
        return read_price(Decimal(value))
    except ArithmeticError:
        return None
