"""
What staff edit, the list of coins; and what must last, the history of prices.

Tested in `tests/admin/test_coins.py` and `tests/test_symbols.py`.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from rates.symbols import LONGEST_SYMBOL, find_fault, find_symbol
from rates.types import KnownPairs, Pair

# Besides white space: control characters, separators without width, halves of pairs, variants, no characters at all.
INVISIBLE = r"\s\x00-\x1f\x7f-\xa0\u2000-\u206f\ud800-\udfff\ufe00-\ufe0f\ufeff\ufff0-\uffff"
# Since December 2025 in any script; of capital and small letters only those of ASCII count, which are capitals.
PAIR_PATTERN = rf"^(?:[A-Z0-9._-]|[^\x00-\x7f{INVISIBLE}]){{2,30}}$"
# In its own spelling, which keeps the case: BTC/USD, AAPLx/USD, BRK.Bx/USD.
KRAKEN_PAIR_PATTERN = rf"^[^{INVISIBLE}/\\<>\"'`,;:]{{1,40}}/[A-Za-z]{{3,9}}$"
FACTORS = tuple(10**exponent for exponent in range(10))
FACTOR_HELP = _("Coins in one unit of the pair: 1, or a power of ten such as 1000 for 1000SATSUSDT.")
COINGECKO_ID_PATTERN = r"^[a-z0-9._-]{1,100}$"
# What an id may say without telling one coin from its namesakes.
PLAIN_WORDS = ("bridged", "coin", "token", "wrapped")
SYMBOL_FAULTS = {
    "length": _("Use 1 to 40 characters, such as BTC."),
    "character": _(
        "Use letters, digits and signs such as . _ - + $, without white space, quotes, slashes, commas, colons and "
        "angle brackets."
    ),
    "dots": _("Use more than dots, such as BTC."),
    "reserved": _("Write %(symbol)s with a capital letter: in small letters this is a word of the service."),
}


def validate_factor(value: int) -> None:
    """
    Refuse a factor that is no power of ten up to a billion.

    Raises:
        ValidationError: saying what is allowed.
    """
    if value not in FACTORS:
        raise ValidationError(_("Use 1, or the power of ten that the pair counts in, such as 1000 for 1000SATSUSDT."))


def validate_symbol(value: str) -> None:
    """
    Refuse what cannot be a symbol.

    Raises:
        ValidationError: saying what is allowed.
    """
    if fault := find_fault(value):
        raise ValidationError(SYMBOL_FAULTS[fault], code=fault, params={"symbol": value})


class Logo(models.Model):
    """
    A picture of coins, as it is served.

    Attributes:
        name: the hash of the picture and what it is: ``3f2a….png``; another picture has another name.
    """

    name = models.CharField(primary_key=True, max_length=40)
    data = models.BinaryField()

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        """Its address."""
        return reverse("logo", args=[self.name])


class CoinQuerySet(models.QuerySet["Coin"]):
    """Queries on coins, in board order."""

    def enabled(self) -> "CoinQuerySet":
        """Return the coins that are on the board, in its order."""
        return self.filter(enabled=True)


class Coin(models.Model):
    """A coin on the board; its rate lives in Redis, not here."""

    symbol = models.CharField(
        _("symbol"),
        max_length=LONGEST_SYMBOL,
        unique=True,
        validators=[validate_symbol],
        help_text=_("What people call the coin, as they write it: BTC, USDC.e. No other coin has it in any case."),
    )
    name = models.CharField(_("name"), max_length=200)
    coingecko_id = models.CharField(
        _("CoinGecko id"),
        max_length=100,
        unique=True,
        validators=[RegexValidator(COINGECKO_ID_PATTERN, _("Use CoinGecko's API id, such as bitcoin or avalanche-2."))],
        help_text=_("The API id on the coin's CoinGecko page: bitcoin. Symbols are not unique there, ids are."),
    )
    binance_symbol = models.CharField(
        _("Binance pair"),
        max_length=30,
        blank=True,
        validators=[RegexValidator(PAIR_PATTERN, _("Use Binance's own name of the USDT pair, such as BTCUSDT."))],
        help_text=_("The USDT pair on Binance: BTCUSDT. Leave it empty when there is none."),
    )
    binance_factor = models.PositiveIntegerField(
        _("Binance factor"), default=1, validators=[validate_factor], help_text=FACTOR_HELP
    )
    binance_verified = models.BooleanField(_("Binance pair verified"), default=False)
    kraken_symbol = models.CharField(
        _("Kraken pair"),
        max_length=50,
        blank=True,
        validators=[RegexValidator(KRAKEN_PAIR_PATTERN, _("Use Kraken's own name of the pair, such as BTC/USD."))],
        help_text=_("The pair on Kraken, in its spelling: BTC/USD, AAPLx/USD. Leave it empty when there is none."),
    )
    kraken_factor = models.PositiveIntegerField(
        _("Kraken factor"), default=1, validators=[validate_factor], help_text=FACTOR_HELP
    )
    kraken_verified = models.BooleanField(
        _("Kraken pair verified"),
        default=False,
        null=True,
        help_text=_("Empty: from before pairs were kept; the pair of the symbol is taken when its price agrees."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0, db_index=True)
    logo = models.ForeignKey(Logo, models.SET_NULL, verbose_name=_("logo"), null=True, blank=True)

    objects = CoinQuerySet.as_manager()

    class Meta:
        ordering = ("position", "symbol")
        verbose_name = _("coin")
        verbose_name_plural = _("coins")
        constraints = (models.UniqueConstraint(Upper("symbol"), name="rates_coin_symbol_any_case"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.symbol})"

    @property
    def logo_path(self) -> str:
        """Where its logo is, below the address of the service; empty without one. The picture itself is not read."""
        return f"logos/{self.logo_id}" if self.logo_id else ""

    @property
    def pairs(self) -> Mapping[str, Pair]:
        """The pairs by which exchanges price the coin, by the name of the source; none where it has none."""
        return self.known_pairs.by_source

    @property
    def known_pairs(self) -> KnownPairs:
        """The same with what tells them from others, and which of them nobody has verified."""
        return _read_pairs(
            (self.binance_symbol, self.binance_factor, self.binance_verified),
            (self.kraken_symbol or self._kraken_guess, self.kraken_factor, bool(self.kraken_verified)),
        )

    @property
    def _kraken_guess(self) -> str:
        """The pair that earlier releases asked for, of a coin from before pairs were kept; nobody has verified it."""
        return f"{self.symbol.upper()}/USD" if self.kraken_verified is None and self.symbol.isalnum() else ""

    def clean(self) -> None:
        """
        Refuse a symbol that another coin has in any case; the database itself compares ASCII letters alone.

        Raises:
            ValidationError: naming the other coin.
        """
        others = dict(Coin.objects.exclude(pk=self.pk).values_list("symbol", "coingecko_id"))
        if taken := find_symbol(others, self.symbol):
            message = _("%(symbol)s is %(other)s already; give this coin another symbol, such as %(proposal)s.")
            words = {"symbol": taken, "other": others[taken], "proposal": propose_symbol(self, others)}
            raise ValidationError({"symbol": ValidationError(message, code="unique", params=words)})


# A tick asks for them several times.
@lru_cache(maxsize=4096)
def _read_pairs(binance: tuple[str, int, bool], kraken: tuple[str, int, bool]) -> KnownPairs:
    found = {"binance": Pair(*binance), "kraken": Pair(*kraken)}
    return KnownPairs.of({name: pair for name, pair in found.items() if pair.name})


def propose_symbol(coin: Coin, taken: Collection[str]) -> str:
    """Return a symbol for *coin* whose own is *taken* by a namesake: with what its id has besides, ``USDC.e``."""
    words = [word for word in coin.coingecko_id.split("-") if word not in (coin.symbol.casefold(), *PLAIN_WORDS)]
    tails = [*(word[:1] for word in reversed(words)), *reversed(words), *map(str, range(2, 1000))]
    proposals = (f"{coin.symbol[: LONGEST_SYMBOL - 1 - len(tail)]}.{tail}" for tail in tails if tail)
    return next(proposal for proposal in proposals if find_symbol(taken, proposal) is None)


class Series(models.Model):
    """
    The candles of one interval of one price.

    Attributes:
        base: whose price it is: the CoinGecko id of a coin, whose past stays its own when its symbol moves on; or a
            currency in capitals, such as ``USDT``.
        quote: the currency of the prices, in small letters.
        interval: seconds: 60, 3600 or 86400.
        merged_until: Unix time up to which these candles are merged into those of the next longer interval.
    """

    id = models.AutoField(primary_key=True)
    base = models.CharField(max_length=100)
    quote = models.CharField(max_length=10)
    interval = models.PositiveIntegerField()
    merged_until = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("base", "quote", "interval"), name="rates_series_unique"),)

    def __str__(self) -> str:
        return f"{self.base}/{self.quote} {self.interval} s"


class CandleKey(models.BigIntegerField):  # type: ignore[type-arg] # generic in the stubs only
    """
    A primary key by which SQLite sorts its table; only a column of the type `integer` is one.

    Another type would cost an index beside the table, 20 of 66 bytes a candle.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the column's type."""
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


class CandleSource(models.IntegerChoices):
    """Who gave the close of a candle; in the database by number, which keeps its meaning once it is given."""

    COINGECKO = 1, "coingecko"
    BINANCE = 2, "binance"
    KRAKEN = 3, "kraken"
    SIMULATED = 4, "simulated"
    # Currencies alone.
    ECB = 5, "ecb"


class StoredCandle(models.Model):
    """
    One candle, as small as it goes: there are twenty thousand for a coin and a year.

    Attributes:
        id: series and minute (`history.archive.make_key`), so that there is one candle for each.
        prices: open, high, low, close (`history.packing`).
        updates: publications that it is made of; 0 when a vendor's history told it.
    """

    id = CandleKey(primary_key=True)
    prices = models.BinaryField()
    updates = models.PositiveIntegerField()
    source = models.PositiveSmallIntegerField()
    disputed = models.BooleanField()

    class Meta:
        db_table = "rates_candle"

    def __str__(self) -> str:
        return f"candle {self.id}"


class Backfill(models.Model):
    """
    A stretch of a series that a vendor was asked for, so that it is not asked for again.

    Attributes:
        start, end: Unix times; the end is exclusive.
        candles: how many were stored.
        refused: how many were not, because they disagree with what is known.
        note: what the operator should know; empty when all was well.
    """

    series = models.ForeignKey(Series, on_delete=models.CASCADE)
    source = models.PositiveSmallIntegerField()
    start = models.BigIntegerField()
    end = models.BigIntegerField()
    candles = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("series", "source", "start"), name="rates_backfill_unique"),)

    def __str__(self) -> str:
        return f"{self.series} from {self.start}"
