"""Staff manage the list of coins here; what they save is on open pages at once, its price with the next tick."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from rates.models import Coin


@admin.register(Coin)
class CoinAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not a generic class at run time
    """The list of coins, with order and switch editable in place."""

    list_display = ("symbol", "name", "coingecko_id", "binance_symbol", "position", "enabled")
    list_editable = ("position", "enabled")
    list_filter = ("enabled",)
    search_fields = ("symbol", "name", "coingecko_id")
    actions = ("enable", "disable")

    @admin.action(description="Enable selected coins")
    def enable(self, request: HttpRequest, queryset: QuerySet[Coin]) -> None:
        """Put the selected coins on the board."""
        self._switch(request, queryset, enabled=True)

    @admin.action(description="Disable selected coins")
    def disable(self, request: HttpRequest, queryset: QuerySet[Coin]) -> None:
        """Take the selected coins off the board."""
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Coin], *, enabled: bool) -> None:
        # Saved one by one: each has its signal and its line in the history.
        for coin in queryset.exclude(enabled=enabled):
            coin.enabled = enabled
            coin.save(update_fields=["enabled"])
            self.log_change(request, coin, "Enabled." if enabled else "Disabled.")
