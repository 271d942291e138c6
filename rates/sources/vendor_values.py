"""
Numbers and times in vendors' answers: only finite decimals of plausible size are accepted, no bool, text or float.

JSON is read so that one bad value affects only the coin it belongs to: an invalid number becomes null.
"""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation, Rounded
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

# A price outside 1e-30 .. 1e19 is an error, and would be a line of zeros on the page.
LOWEST_EXPONENT = -30
HIGHEST_EXPONENT = 18
LOWEST_PRICE, ABOVE_PRICES = Decimal(f"1e{LOWEST_EXPONENT}"), Decimal(f"1e{HIGHEST_EXPONENT + 1}")
# Digits: a longer number is not a real one. The context refuses it, and what is not a number.
LONGEST_NUMBER = 60
NUMBERS = Context(prec=LONGEST_NUMBER, traps=[InvalidOperation, Rounded])
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
# What a vendor may send where an object is expected, or a list.
Scalar = str | float | bool | None
NoObject = list[Any] | Scalar
# Seconds since 1970, some three thousand years.
LATEST = 10**11
ZERO = Decimal(0)
# A vendor's clock that is further ahead is wrong; a smaller lead is cut to our time: no price is from the future.
FURTHEST_AHEAD = timedelta(days=1)


def json_reader(kind: type[T] | Any) -> Callable[[str | bytes], T]:
    """
    Return the function that reads JSON text as a *kind*; what that declares as Any has whole numbers as int and others
    as `Decimal`.

    NaN, Infinity and numbers that are too long become None: `msgspec` knows only JSON itself, which has none of them,
    so that what it refuses is read by the standard library, at five times the cost.

    The function raises `ValueError` when the text is not JSON, or not of the kind.
    """
    # Made once: a decoder for each of hundreds of messages would take longer than to decode them.
    decoder = msgspec.json.Decoder(kind, float_hook=NUMBERS.create_decimal)

    def read(text: str | bytes) -> T:
        value: T
        try:
            value = decoder.decode(text)
        except (msgspec.DecodeError, RecursionError, ArithmeticError):
            value = msgspec.convert(_read_lenient(text if isinstance(text, str) else text.decode()), kind)
        return value

    return read


def json_list_reader(kind: type[T] | Any) -> Callable[[Sequence[bytes]], list[T]]:
    """Return the function that reads texts as `json_reader` does, all at once; those that it refuses are left out."""
    read_one = json_reader(kind)
    read_joined: Callable[[bytes], list[T]] = json_reader(list[kind])  # type: ignore[valid-type] # known when it runs

    def read(texts: Sequence[bytes]) -> list[T]:
        with suppress(ValueError):
            values: list[T] = read_joined(b"[%b]" % b",".join(texts))
            # Parts of values can be one together.
            if len(values) == len(texts):
                return values
        return [value for text in texts for value in _read_if_sound(read_one, text)]

    return read


def _read_if_sound(read: Callable[[bytes], T], text: bytes) -> list[T]:
    try:
        return [read(text)]
    except ValueError:
        return []


def _read_lenient(text: str) -> Any:
    try:
        return LENIENT_DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _decimal(text: str) -> Decimal | None:
    try:
        return NUMBERS.create_decimal(text)
    except ArithmeticError:
        return None


LENIENT_DECODER = json.JSONDecoder(parse_float=_decimal, parse_int=_decimal, parse_constant=lambda _: None)
# Reads any JSON.
read_json: Callable[[str | bytes], Any] = json_reader(Any)


def read_number(value: object) -> Decimal | None:
    """Return *value* if it is a finite decimal (or int) of plausible size; None otherwise."""
    if type(value) is not Decimal:
        return read_number(Decimal(value)) if type(value) is int else None
    if value.is_finite() and LOWEST_EXPONENT <= value.adjusted() <= HIGHEST_EXPONENT:
        return value
    return ZERO if value == ZERO else None


def read_price(value: object) -> Decimal | None:
    """Return *value* if it is a usable price: a number above zero."""
    if type(value) is not Decimal:
        return read_price(Decimal(value)) if type(value) is int else None
    return value if value.is_finite() and LOWEST_PRICE <= value < ABOVE_PRICES else None


def read_volume(value: object) -> Decimal | None:
    """Return *value* if it is a usable volume: a number that is not negative."""
    if type(value) is not Decimal:
        return read_volume(Decimal(value)) if type(value) is int else None
    if value.is_finite() and LOWEST_PRICE <= value < ABOVE_PRICES:
        return value
    return ZERO if value == ZERO else None


def read_text(value: object) -> Decimal | None:
    """Return the number in a text of digits, as exchanges send it; None for anything else."""
    if type(value) is not str:
        return None
    try:
        number = NUMBERS.create_decimal(value)
    except ArithmeticError:
        return None
    # Most are written in the way that Python has, and need not be looked at again; the rest is as in `read_number`.
    if not number.is_finite() or (str(number) != value and not NUMBER.fullmatch(value)):
        return None
    return number if LOWEST_EXPONENT <= number.adjusted() <= HIGHEST_EXPONENT else None if number else ZERO


def read_time(value: object, per_second: int, received_at: datetime) -> datetime | None:
    """Return the time in a count since 1970 (*per_second*: 1 or 1000), at most *received_at*; None if it is not one."""
    number = value if type(value) is int else read_number(value)
    if number is None or not 0 < number < LATEST * per_second:
        return None
    return _not_ahead(datetime.fromtimestamp(float(number / per_second), UTC), received_at)


def read_iso_time(value: object, received_at: datetime) -> datetime | None:
    """Return the time in an ISO 8601 text with a zone, at most *received_at*; None if it is not one."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment and moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC) if moment.tzinfo else None
        return _not_ahead(moment, received_at) if moment else None
    except (ValueError, OverflowError):
        # An overflow is a moment that UTC puts before the year 1 or after 9999.
        return None


def _not_ahead(moment: datetime, received_at: datetime) -> datetime | None:
    if moment <= received_at:
        return moment
    return received_at if moment - received_at < FURTHEST_AHEAD else None
