"""A small board with a history of a year, and clients for it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import requests

from rates import publication
from rates.history import archive
from rates.history.candles import DAY, HOUR, MINUTE, Candle, floor_time
from rates.history.series import Instrument
from rates.models import Coin
from rates.types import Currency, DayStats, Rate, Row, Snapshot, time_text

SHIB = "0.00000867"
# Symbol, name, CoinGecko's id, price.
COINS: list[tuple[str, str, str, str | None]] = [
    ("BTC", "Bitcoin", "bitcoin", "63250.12"),
    ("ETH", "Ethereum", "ethereum", "3450.32"),
    ("SHIB", "Shiba Inu", "shiba-inu", SHIB),
    ("XLM", "Stellar", "stellar", "0.1042"),
    ("NEW", "Brand New", "brand-new", None),
]
PRICED = {coin_id: Decimal(price) for _, _, coin_id, price in COINS if price}
MARKET_CAPS = {"bitcoin": Decimal("1253000000000.5"), "stellar": Decimal("3100000000")}
WORTHS = {"eur": "0.920000", "gbp": "0.790000", "jpy": "151.500"}
EURO = Instrument("USD", "eur")
# In the order in which candles are told: what a price was so many days ago, as a share of the present one.
SHARES = {"bitcoin": Decimal("0.001"), "ethereum": Decimal("0.002")}


class Marks(NamedTuple):
    """What a coin or a currency is not trusted for."""

    disputed: bool = False
    stale: bool = False


FINE = Marks()


def make_snapshot(seq: int = 1, coin_marks: dict[str, Marks] | None = None, euro: Marks = FINE) -> Snapshot:
    """Return a board that was published just now."""
    now = datetime.now(UTC)
    rows = [_row(*coin, now, (coin_marks or {}).get(coin[2], FINE)) for coin in COINS]
    currencies = {
        code: Currency(code, worth, "0.5", "kraken", time_text(now), *(euro if code == "eur" else FINE)[::-1])
        for code, worth in WORTHS.items()
    }
    fragments = {row.symbol: publication.encode_row(row) for row in rows}
    return Snapshot("epoch", seq, time_text(now), fragments, currencies)


def _row(symbol: str, name: str, _coin_id: str, text: str | None, now: datetime, marks: Marks) -> Row:
    if text is None:
        return Row(symbol, name)
    price = Decimal(text)
    rate = Rate(
        symbol,
        price,
        Decimal("2.5" if symbol == "SHIB" else "-1.41"),
        Decimal("28012345678.9"),
        "kraken",
        now - timedelta(seconds=2),
        now,
    )
    day = DayStats(None, price * Decimal("0.9"), price * Decimal("1.1"))
    return Row(symbol, name, rate, stale=marks.stale, disputed=marks.disputed, day=day)


def store_coins() -> None:
    """Put the coins into the database, and one that is not on the board."""
    Coin.objects.all().delete()
    for place, (symbol, name, coin_id, _) in enumerate(COINS):
        Coin.objects.create(symbol=symbol, name=name, coingecko_id=coin_id, position=place)
    Coin.objects.create(symbol="OFF", name="Off", coingecko_id="off", enabled=False)


def past_price(coin_id: str, seconds: float) -> Decimal:
    """Return what a coin was worth some time ago: a little less for each day."""
    return PRICED[coin_id] * (1 - SHARES[coin_id] * Decimal(seconds / DAY))


def store_history() -> None:
    """Store candles of bitcoin and ethereum: days for a year and more, hours for ten days, minutes for three hours."""
    now = time.time()
    for interval, count in ((DAY, 400), (HOUR, 240), (MINUTE, 180)):
        last = floor_time(now, interval)
        begins = [last - back * interval for back in range(count, 0, -1)]
        candles = {
            Instrument(coin_id, "usd"): [_candle(t, past_price(coin_id, now - t - interval)) for t in begins]
            for coin_id in SHARES
        }
        archive.write_candles(interval, {**candles, EURO: [_candle(t, Decimal("0.92")) for t in begins]})


def _candle(begin: int, price: Decimal) -> Candle:
    price = round(price, 6)
    return Candle(begin, price, price * 2, price / 2, price, 0, "kraken", disputed=False)


class Api:
    """Our API at *url*, as a program without any library asks it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def ask(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        """Return the whole answer; a redirect is not followed."""
        return self.session.request(method, f"{self.url}/{path}", headers=headers, allow_redirects=False, timeout=30)

    def get(self, path: str, status: int = 200, read: Callable[[str], Any] = Decimal) -> Any:
        """Return the body, with numbers as decimals."""
        answer = self.ask(path)
        assert answer.status_code == status, answer.text
        return answer.json(parse_float=read, parse_int=read)

    def error(self, path: str, status: int) -> str:
        """Return the words of an error."""
        return self.get(path, status)["error"]
