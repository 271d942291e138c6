"""What staff edit: the list of coins."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

SYMBOL_PATTERN = r"^[A-Z0-9]{1,20}$"
PAIR_PATTERN = r"^[A-Z0-9]{2,30}$"
COINGECKO_ID_PATTERN = r"^[a-z0-9._-]{1,100}$"


class CoinQuerySet(models.QuerySet["Coin"]):
    """Queries on coins, in board order."""

    def enabled(self) -> "CoinQuerySet":
        """Return the coins that are on the board, in its order."""
        return self.filter(enabled=True)


class Coin(models.Model):
    """A coin on the board; its rate lives in Redis, not here."""

    symbol = models.CharField(
        _("symbol"),
        max_length=20,
        unique=True,
        validators=[RegexValidator(SYMBOL_PATTERN, _("Use 1 to 20 capital letters and digits, such as BTC."))],
        help_text=_("Base asset, upper case: BTC."),
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
    enabled = models.BooleanField(_("enabled"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0, db_index=True)

    objects = CoinQuerySet.as_manager()

    class Meta:
        ordering = ("position", "symbol")
        verbose_name = _("coin")
        verbose_name_plural = _("coins")
        constraints = (models.UniqueConstraint(Upper("symbol"), name="rates_coin_symbol_any_case"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.symbol})"
