"""
What staff enter in the admin, checked against the sources before it is saved.

Tested in `tests/admin/test_coins.py`.
"""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminFileWidget
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rates.admin.inspection import Finding
from rates.admin.pair_checks import EXCHANGES, check_pairs, judge_pair
from rates.admin.reasons import translate_reason
from rates.exceptions import RatesError
from rates.logos import MOST_BYTES, read_logo
from rates.models import Coin, Logo
from rates.sources import coingecko_catalog
from rates.symbols import spell_pair

CHECK_TIMEOUT = 4.0
# What the sources are asked by.
PAIR_FIELDS = ("symbol", "coingecko_id", "binance_symbol", "binance_factor", "kraken_symbol", "kraken_factor")


class LogoField(forms.FileField):
    """A file that becomes a `Logo`; False where the present one is to be removed, None where nothing was chosen."""

    widget = AdminFileWidget(attrs={"accept": ".png,.svg"})

    def clean(self, data: Any, initial: Any = None) -> Logo | bool | None:
        """Return what is to become of the coin's logo."""
        upload = super().clean(data, None)
        return read_logo(upload.read(MOST_BYTES + 1)) if upload else upload


class CoinForm(forms.ModelForm):  # type: ignore[type-arg] # not a generic class at run time
    """
    The form of one coin; `warnings` has a message for everything that could not be checked or has a consequence.

    An id that CoinGecko does not have is refused; one that cannot be checked is saved with a warning. `pair_checks`
    decides about pairs; one that is saved unchanged stays what it is: verified, or not yet.
    """

    vouch_binance = forms.BooleanField(required=False, label=gettext_lazy("I vouch for the Binance pair"))
    vouch_kraken = forms.BooleanField(required=False, label=gettext_lazy("I vouch for the Kraken pair"))
    picture = LogoField(
        required=False,
        label=gettext_lazy("Logo"),
        help_text=gettext_lazy("PNG or SVG, up to 256 KB; square ones look best. Without one, a letter is shown."),
    )

    class Meta:
        model = Coin
        fields = (
            *("symbol", "name", "coingecko_id", "binance_symbol", "binance_factor", "kraken_symbol", "kraken_factor"),
            *("enabled", "position"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[str] = []
        self.initial["picture"] = ""
        if self.instance.logo_id and "picture" in self.fields:
            self._show_logo(Logo(self.instance.logo_id))
        for exchange in EXCHANGES:
            self._describe_pair(exchange)

    def _show_logo(self, logo: Logo) -> None:
        field = self.fields["picture"]
        self.initial["picture"] = logo
        field.help_text = format_html('<img class="logo" src="{}" alt=""> {}', logo.url, field.help_text)

    def _describe_pair(self, exchange: str) -> None:
        """Say how things are with the pair; a coin from before pairs were kept shows the one that is tried for it."""
        pair = self.instance.pairs.get(exchange)
        if f"{exchange}_symbol" not in self.fields:
            return
        if pair:
            self.initial[f"{exchange}_symbol"] = pair.name
        self.fields[f"{exchange}_factor"].required = False
        self.fields[f"vouch_{exchange}"].help_text = (
            _("It is verified: its price has agreed with CoinGecko's, or staff have vouched for it.")
            if pair and pair.verified
            else _("Needed only where its price is apart from CoinGecko's, or cannot be compared now.")
        )

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
            why = {"id": coin_id, "why": translate_reason(str(error))}
            self.warnings.append(_("The id “%(id)s” could not be verified (%(why)s).") % why)
            return
        if not known:
            raise ValidationError(_("CoinGecko has no coin with the id “%(id)s”."), params={"id": coin_id})

    def clean_binance_symbol(self) -> str:
        """Return the pair in capitals."""
        return spell_pair("binance", self.cleaned_data["binance_symbol"])

    def clean_kraken_symbol(self) -> str:
        """Return the pair in Kraken's spelling."""
        return spell_pair("kraken", self.cleaned_data["kraken_symbol"])

    def clean_binance_factor(self) -> int:
        """Return the factor, 1 where none was entered."""
        return self._read_factor("binance")

    def clean_kraken_factor(self) -> int:
        """Return the factor, 1 where none was entered."""
        return self._read_factor("kraken")

    def clean_picture(self) -> Logo | bool | None:
        """Give the coin its new logo, or none; `save` keeps the picture itself."""
        picture: Logo | bool | None = self.cleaned_data["picture"]
        if picture is not None:
            self.instance.logo_id = picture.name if isinstance(picture, Logo) else None
        return picture

    def _read_factor(self, exchange: str) -> int:
        factor = self.cleaned_data[f"{exchange}_factor"]
        return 1 if factor is None else factor

    def clean(self) -> dict[str, Any]:
        """Check the pairs that are new to the coin, and those that staff vouch for."""
        cleaned = super().clean() or self.cleaned_data
        coin = Coin(**{name: cleaned[name] for name in PAIR_FIELDS if name in cleaned})
        if self.errors or not _is_sound(coin):
            return cleaned
        new = [exchange for exchange in EXCHANGES if self._is_new(coin, exchange)]
        vouched = [exchange for exchange in EXCHANGES if cleaned[f"vouch_{exchange}"]]
        for exchange in new:
            setattr(self.instance, f"{exchange}_verified", False)
        for finding in check_pairs(coin, sorted({*new, *vouched})):
            self._judge_pair(finding, is_new=finding.source in new, is_vouched=finding.source in vouched)
        if new:
            self._warn_about_pairs(coin)
        return cleaned

    def _is_new(self, coin: Coin, exchange: str) -> bool:
        """Return whether the pair is another one than the coin had, or the coin itself is another one."""
        pairs = [each.pairs.get(exchange) for each in (coin, self.instance)]
        after, before = (pair and pair.key for pair in pairs)
        return after != before or coin.coingecko_id != self.instance.coingecko_id

    def _judge_pair(self, finding: Finding, *, is_new: bool, is_vouched: bool) -> None:
        try:
            check = judge_pair(finding, is_new=is_new, is_vouched=is_vouched)
        except ValidationError as error:
            self.add_error(f"{finding.source}_symbol", error)
            return
        setattr(self.instance, f"{finding.source}_verified", check.verified)
        self.warnings += [check.warning] if check.warning else []

    def _warn_about_pairs(self, coin: Coin) -> None:
        if not coin.pairs:
            self.warnings.append(_("Without a pair on an exchange, this coin has no backup."))
        for name, pair in coin.pairs.items():
            others = Coin.objects.exclude(pk=self.instance.pk).filter(**{f"{name}_symbol": pair.name})
            self.warnings += [
                _("%(pair)s is the pair of %(coin)s too.") % {"pair": pair.name, "coin": other} for other in others
            ]


def _is_sound(coin: Coin) -> bool:
    """Return whether the sources may be asked for *coin*; if not, the form says why a moment later."""
    try:
        coin.clean_fields(exclude=("name",))
    except ValidationError:
        return False
    return True


class RowForm(forms.ModelForm):  # type: ignore[type-arg] # not a generic class at run time
    """A coin's row in the list: its fields need no look-up, but a label for screen readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = f"{self.instance.symbol}: {field.label or name}"


class ImportForm(forms.Form):
    """A file with coins."""

    file = forms.FileField(
        label=gettext_lazy("File"), help_text=gettext_lazy("CSV or JSON, as the export writes it; up to 1 MB.")
    )
