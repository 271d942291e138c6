"""A small market that the stand-ins sell: one price per symbol, and the ways in which a value can be wrong."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar
from urllib.parse import parse_qsl

PRICES = {"BTC": "63250.12", "ETH": "3450.32", "SOL": "148.34", "XLM": "0.1042", "USDT": "1.0001"}
# What a USD is worth.
CURRENCIES = {"EUR": "0.9213", "GBP": "0.78914", "JPY": "151.236", "CHF": "0.8812", "CAD": "1.3985", "AUD": "1.53214",
              "PLN": "4.0213", "KWD": "0.30741"}  # fmt: skip
COINGECKO_IDS = {"BTC": "bitcoin", "ETH": "ethereum", "SOL": "solana", "XLM": "stellar", "USDT": "tether"}
# Faults whose price is written like this instead; the first column is the fault.
WRONG_VALUES = {
    "null": "null",
    "string": '"a lot"',
    "negative": "-5",
    "zero": "0",
    "nan": "NaN",
    "infinite": "1e999",
    "endless": "1e9999999999999999999",
    "huge": "1e40",
    "tiny": "1e-999",
    "true": "true",
    "list": "[63250]",
}
FACTORS = {"spike": Decimal(1000), "tenfold": Decimal(10), "minus_5": Decimal("0.95"), "minus_3": Decimal("0.97")}
# Faults of values and times, which every vendor has.
VALUES = frozenset({*WRONG_VALUES, *FACTORS, "missing", "frozen", "stale_time", "clock_back", "out_of_order", "depeg"})
ONE_ANSWER = ("spike",)
# What a stream that lags tells: a price of before, with the time of then.
LAG_FACTOR = Decimal("0.9")
LAG_SECONDS = 60
STALE_SECONDS = 3600
CLOCK_BACK_SECONDS = 120


@dataclass
class StandIn:
    """
    What all stand-ins have.

    Attributes:
        prices: symbol -> true price; set them while it runs.
        FAULTS: all that it knows.
        fault: how it misbehaves now; empty for well.
        faulty: the symbols that a fault of values touches, or codes of currencies; empty for all symbols.
        unknown: symbols that this vendor does not have.
        currencies: code -> what a USD is truly worth; set them while it runs.
        moves: whether prices move by themselves, by up to a tenth of a percent.
        calls: questions and handshakes since the start.
    """

    FAULTS: ClassVar[frozenset[str]] = VALUES

    prices: dict[str, Decimal] = field(default_factory=lambda: {s: Decimal(p) for s, p in PRICES.items()})
    currencies: dict[str, Decimal] = field(default_factory=lambda: {c: Decimal(w) for c, w in CURRENCIES.items()})
    fault: str = ""
    faulty: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    moves: bool = False
    calls: int = 0
    url: str = ""
    _frozen: dict[str, Decimal] = field(default_factory=dict)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "fault" and value and value not in self.FAULTS:
            raise ValueError(f"no such fault: {value}; there are {', '.join(sorted(self.FAULTS))}")
        super().__setattr__(name, value)

    def price(self, symbol: str) -> Decimal:
        """Return the true price of *symbol* now."""
        price = self.prices[symbol]
        if self.moves:
            price += (price * Decimal(math.sin(time.time() + len(symbol))) / 1000).quantize(price)
        return price

    def worth(self, code: str, fault: str) -> Decimal | None:
        """Return what a USD is worth in the currency *code*, as this vendor has it; None if it does not know."""
        if code == "BTC":
            return 1 / self.price("BTC")
        if code not in self.currencies or code in self.unknown or (code in self.faulty and fault == "missing"):
            return None
        return self.currencies[code] * (FACTORS.get(fault, 1) if code in self.faulty else 1)

    def is_faulty(self, symbol: str) -> bool:
        """Return whether a fault touches *symbol*."""
        return not self.faulty or symbol in self.faulty

    def value(self, symbol: str, fault: str) -> str | None:
        """Return the price of *symbol* as JSON text; None when it is missing."""
        price = self.price(symbol)
        if fault != "frozen":
            self._frozen[symbol] = price
        if not self.is_faulty(symbol):
            return f"{price:f}"
        if fault == "missing" and (self.faulty or symbol == "BTC"):
            return None
        if fault == "depeg":
            return f"{price * Decimal('0.95'):f}" if symbol == "USDT" else f"{price:f}"
        price = self._frozen.get(symbol, price) * (LAG_FACTOR if fault == "lagging" else 1)
        return WRONG_VALUES.get(fault) or f"{price * FACTORS.get(fault, 1):f}"

    def seconds(self, fault: str) -> float:
        """Return the time that an answer is stamped with."""
        # Some of them late, and never all for as long as a test listens.
        late = CLOCK_BACK_SECONDS if time.monotonic() % 0.04 < 0.01 else 0
        back = {
            "stale_time": STALE_SECONDS,
            "clock_back": CLOCK_BACK_SECONDS,
            "out_of_order": late,
            "lagging": LAG_SECONDS,
        }
        return time.time() - back.get(fault, 0)

    def take_fault(self) -> str:
        """Return the fault of the answer that is given now; those of one answer end with it."""
        fault = self.fault
        if fault in ONE_ANSWER:
            self.fault = ""
        return fault

    def control(self, query: str) -> str:
        """Obey the *query* of a control address (`fault=429&BTC=63000`); return the count of calls, or why not."""
        orders: Mapping[str, str] = dict(parse_qsl(query, keep_blank_values=True))
        try:
            self._obey(orders)
        except (ValueError, ArithmeticError) as error:
            return f"{error}\n"
        return f'{{"calls": {self.calls}, "fault": "{self.fault}"}}\n'

    def _obey(self, orders: Mapping[str, str]) -> None:
        for name, value in orders.items():
            if name == "fault":
                self.fault = value
            elif name in ("faulty", "unknown"):
                setattr(self, name, frozenset(filter(None, value.split(","))))
            elif name == "moves":
                self.moves = value == "1"
            else:
                (self.currencies if name in self.currencies else self.prices)[name] = Decimal(value)
