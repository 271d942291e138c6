"""
What staff enter in the admin, checked against the sources before it is saved.

Tested in `tests/admin/test_coins.py`.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from rates.admin.inspection import inspect_coin, is_another_coin
from rates.exceptions import RatesError
from rates.models import Coin
from rates.sources import coingecko_catalog

CHECK_TIMEOUT = 4.0


class CoinForm(forms.ModelForm):  # type: ignore[type-arg] # not a generic class at run time
    """
    The form of one coin; `warnings` has a message for everything that could not be checked or has a consequence.

    An id that CoinGecko does not have is refused; one that cannot be checked is saved with a warning, and so is a
    Binance pair without a price. A pair whose price is far from the coin's is refused.
    """

    class Meta:
        model = Coin
        fields = ("symbol", "name", "coingecko_id", "binance_symbol", "kraken_symbol", "enabled", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[str] = []

    def clean_coingecko_id(self) -> str:
        """Return the id; a changed one is looked up at CoinGecko."""
        coin_id = str(self.cleaned_data["coingecko_id"])
        if "coingecko_id" in self.changed_data:
            self._check_id(coin_id)
        return coin_id

    def _check_id(self, coin_id: str) -> None:
        try:
            known = coin_id in coingecko_catalog.load_catalog(CHECK_TIMEOUT)
        except RatesError as error:
            why = {"id": coin_id, "why": error}
            self.warnings.append(_("The id “%(id)s” could not be verified (%(why)s).") % why)
            return
        if not known:
            raise ValidationError(_("CoinGecko has no coin with the id “%(id)s”."), params={"id": coin_id})

    def clean(self) -> dict[str, Any]:
        """Check a changed pair against the other sources' prices."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors or "binance_symbol" not in self.changed_data:
            return cleaned
        if not cleaned["binance_symbol"]:
            self.warnings.append(_("Without a Binance pair, this coin has no backup there."))
            return cleaned
        coin = Coin(**{name: cleaned[name] for name in ("symbol", "name", "coingecko_id", "binance_symbol")})
        findings = inspect_coin(coin)
        if is_another_coin([f for f in findings if f.source in ("coingecko", "binance")]):
            message = _("%(pair)s is a different coin: its price on Binance is far from this coin's.")
            self.add_error("binance_symbol", ValidationError(message, params={"pair": cleaned["binance_symbol"]}))
        self.warnings += [
            _("%(pair)s has no price (%(why)s): this coin has no backup there.")
            % {"pair": cleaned["binance_symbol"], "why": f.problem}
            for f in findings
            if f.source == "binance" and f.price is None
        ]
        return cleaned


class RowForm(forms.ModelForm):  # type: ignore[type-arg] # not a generic class at run time
    """A coin's row in the list: its fields need no look-up, but a label for screen readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = f"{self.instance.symbol}: {field.label or name}"


class ImportForm(forms.Form):
    """A file with coins."""

    file = forms.FileField(label="File", help_text="CSV or JSON, as the export writes it; up to 1 MB.")
