"""The admin's list of coins; what staff save is on open pages at once, its price with the next tick."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, dumps, loads
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rates import feed, store
from rates.admin import coin_files, finder
from rates.admin.acceptance import Waiting, describe_accepted, find_waiting, log_pair, read_seen, sign_seen
from rates.admin.coin_status import (
    HEIGHT,
    WIDTH,
    CoinStatus,
    board_age,
    describe_backfill,
    describe_coin,
    describe_owner_changes,
    describe_processes,
    describe_sources,
    describe_worths,
)
from rates.admin.fetch_report import describe_fetch
from rates.admin.forms import CoinForm, ImportForm, RowForm
from rates.admin.import_checks import check_plan
from rates.admin.reasons import translate_reason, translate_state
from rates.currencies import is_pair
from rates.exceptions import RatesError, StoreUnavailable
from rates.judgement.conversion import is_depegged
from rates.models import Coin, Logo
from rates.types import USDT_PAIR, CoinState

MAX_QUERY_LENGTH = 100
# Seconds within which a previewed import may be confirmed.
PREVIEW_LIFETIME = 3600


def load_overview(coins: Iterable[Coin]) -> store.Overview | None:
    """Return the state of *coins* from Redis in one round trip; None while it is down."""
    try:
        return store.load_overview([coin.symbol for coin in coins])
    except StoreUnavailable:
        return None


class CoinChangeList(ChangeList):
    """The list of coins, each with its status."""

    def get_results(self, request: HttpRequest) -> None:
        """Add the status of every coin on this page, read in one round trip."""
        super().get_results(request)
        overview = load_overview(self.result_list)
        for coin in self.result_list:
            coin.status = describe_coin(coin, overview)


@admin.register(Coin)
class CoinAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not a generic class at run time
    """The list of coins with the state of each price; position and enabled are editable in place."""

    form = CoinForm
    fields = (
        *("symbol", "name", "coingecko_id"),
        ("binance_symbol", "binance_factor", "vouch_binance"),
        ("kraken_symbol", "kraken_factor", "vouch_kraken"),
        "picture",
        *("enabled", "position"),
    )
    list_display = (
        "symbol",
        "picture",
        "position",
        "enabled",
        "name",
        "state",
        "price",
        "age",
        "source",
        "pairs",
        "line",
    )
    list_editable = ("position", "enabled")
    list_filter = ("enabled",)
    list_per_page = 500
    search_fields = ("symbol", "name", "coingecko_id", "binance_symbol", "kraken_symbol")
    actions = ("fetch_now", "accept", "enable", "disable", "export_csv", "export_json")
    change_list_template = "admin/rates/coin/list.html"
    change_form_template = "admin/rates/coin/form.html"

    class Media:
        css = {"all": ("rates/admin/admin.css",)}

    # Columns

    @admin.display(description=gettext_lazy("logo"))
    def picture(self, coin: Any) -> SafeString | str:
        """Return the logo; without one, pages show a letter."""
        return format_html('<img class="logo" src="{}" alt="">', Logo(coin.logo_id).url) if coin.logo_id else "–"

    @admin.display(description=gettext_lazy("last price"))
    def price(self, coin: Any) -> str:
        """Return the current price."""
        return coin.status.price or "–"

    @admin.display(description=gettext_lazy("age"))
    def age(self, coin: Any) -> str:
        """Return the time since its source confirmed the price."""
        seconds = coin.status.age_seconds
        return "–" if seconds is None else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

    @admin.display(description=gettext_lazy("source"))
    def source(self, coin: Any) -> str:
        """Return whose price it is."""
        return coin.status.source or "–"

    @admin.display(description=gettext_lazy("pairs"))
    def pairs(self, coin: Any) -> SafeString | str:
        """Return the exchanges' pairs, and which of them are not verified yet."""
        known = [(pair.key, "" if pair.verified else _("not verified")) for pair in coin.pairs.values()]
        return format_html_join("", "<div>{} <small>{}</small></div>", known) or "–"

    @admin.display(description=gettext_lazy("last updates"))
    def line(self, coin: Any) -> SafeString | str:
        """Return the sparkline of the stored updates."""
        if not coin.status.points:
            return "–"
        svg = '<svg class="line" viewBox="0 0 {0} {1}" width="{0}" height="{1}"><polyline points="{2}"/></svg>'
        return format_html(svg, WIDTH, HEIGHT, coin.status.points)

    @admin.display(description=gettext_lazy("state"))
    def state(self, coin: Any) -> SafeString:
        """Return the coin's state, and why it is in that state."""
        lines = [line for line in (coin.status.reason, *coin.status.notes) if line]
        small = format_html_join(" ", "<small>{}</small>", [(line,) for line in lines])
        label = translate_state(coin.status.state)
        return format_html('<span class="state" data-state="{}">{}</span> {}', coin.status.state, label, small)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows each coin's status."""
        return CoinChangeList

    # Editing

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Put a new coin at the end of the board."""
        last = Coin.objects.order_by("-position").first()
        return {"position": last.position + 1 if last else 0, **super().get_changeform_initial_data(request)}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Add what the form's script says."""
        return super().render_change_form(request, context | {"texts": finder.form_texts()}, *args, **options)

    def save_model(self, request: HttpRequest, obj: Coin, form: Any, change: bool) -> None:
        """Save, and say what could not be checked and what happens to the history."""
        picture = form.cleaned_data.get("picture")
        if isinstance(picture, Logo):
            Logo.objects.get_or_create(name=picture.name, defaults={"data": picture.data})
        super().save_model(request, obj, form, change)
        if picture is not None:
            Logo.objects.filter(coin=None).delete()
        for warning in getattr(form, "warnings", ()):
            self.message_user(request, warning, messages.WARNING)
        before = form.initial.get("symbol") if change and "symbol" in form.changed_data else None
        if before:
            text = _(
                "%(before)s is now %(after)s: its stored updates were deleted, new ones follow with the next tick."
            )
            self.message_user(request, text % {"before": before, "after": obj.symbol}, messages.INFO)

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Use plain fields in the list: they need no look-up."""
        kwargs["form"] = RowForm
        return super().get_changelist_form(request, **kwargs)

    # Actions

    @admin.action(description=gettext_lazy("Fetch prices now"), permissions=["change"])
    def fetch_now(self, request: HttpRequest, queryset: QuerySet[Coin]) -> None:
        """Run a tick, and report what happened to each selected coin."""
        try:
            tick = feed.run_tick()
        except StoreUnavailable as error:
            self.message_user(request, translate_reason(str(error)), messages.ERROR)
            return
        coins = list(queryset)
        overview = load_overview(coins)
        for level, text in describe_fetch(tick.answers, coins, overview):
            self.message_user(request, text, level)
        statuses = [(coin, describe_coin(coin, overview)) for coin in coins]
        self.message_user(request, "; ".join(_say(coin, status) for coin, status in statuses))

    @admin.action(description=gettext_lazy("Accept the held or disputed price"), permissions=["change"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Coin]) -> HttpResponse | None:
        """Show both prices of each disputed coin; once confirmed, accept the waiting one that was shown."""
        coins = list(queryset)
        try:
            accepted = self._accept_seen(request, coins)
            states = store.load_states()
        except RatesError as error:
            self.message_user(request, translate_reason(str(error)), messages.ERROR)
            return None
        rows = find_waiting([coin.symbol for coin in coins if coin.symbol not in accepted], states)
        if not rows:
            if not accepted:
                self.message_user(request, _("None of the selected coins is disputed."), messages.WARNING)
            return None
        if "seen" in request.POST:
            text = _("Not accepted: %s. Another price is pending by now; review it first.")
            self.message_user(request, text % ", ".join(row.symbol for row in rows), messages.WARNING)
        ids = {coin.symbol: coin.pk for coin in coins}
        selected = [ids[row.symbol] for row in rows]
        return self._page(
            request, "accept", _("Accept these prices?"), rows=rows, signed=sign_seen(rows), selected=selected
        )

    def _accept_seen(self, request: HttpRequest, coins: Sequence[Coin]) -> frozenset[str]:
        """Accept the prices of *coins* that the confirmation page showed; return the symbols that were accepted."""
        seen = read_seen(request, [coin.symbol for coin in coins])
        accepted = feed.accept_prices(seen) if seen else frozenset()
        for coin in coins:
            if coin.symbol in accepted:
                self.log_change(request, coin, describe_accepted(seen[coin.symbol]))
        if accepted:
            self.message_user(request, _("Accepted: %s") % ", ".join(sorted(accepted)), messages.SUCCESS)
        return accepted

    @admin.action(description=gettext_lazy("Enable selected coins"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Coin]) -> None:
        """Put the selected coins on the board."""
        self._switch(request, queryset, enabled=True)

    @admin.action(description=gettext_lazy("Disable selected coins"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Coin]) -> None:
        """Take the selected coins off the board."""
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Coin], *, enabled: bool) -> None:
        # Saved one by one, so that each sends its signal and gets its line in the admin's history.
        switched = list(queryset.exclude(enabled=enabled))
        for coin in switched:
            coin.enabled = enabled
            coin.save(update_fields=["enabled"])
            self.log_change(request, coin, _("Enabled.") if enabled else _("Disabled."))
        self._tell_switched(request, switched, queryset.count() - len(switched), enabled=enabled)

    def _tell_switched(self, request: HttpRequest, coins: Sequence[Coin], others: int, *, enabled: bool) -> None:
        if coins:
            text = _("On the board now: %s.") if enabled else _("Off the board now: %s.")
            self.message_user(request, text % ", ".join(coin.symbol for coin in coins), messages.SUCCESS)
        if others:
            text = _("%d were enabled already.") if enabled else _("%d were disabled already.")
            self.message_user(request, text % others, messages.INFO)

    @admin.action(description=gettext_lazy("Export as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Coin]) -> HttpResponse:
        """Respond with the selected coins as a file."""
        return _file(coin_files.write_csv(queryset), "coins.csv", "text/csv; charset=utf-8")

    @admin.action(description=gettext_lazy("Export as JSON"))
    def export_json(self, request: HttpRequest, queryset: QuerySet[Coin]) -> HttpResponse:
        """Respond with the selected coins as a file."""
        return _file(coin_files.write_json(queryset), "coins.json", "application/json")

    # Our own pages

    def get_urls(self) -> list[URLPattern]:
        """Add the look-ups of the form, the import and the system page."""
        pages = {
            "search": self.search_view,
            "propose": self.propose_view,
            "test": self.test_view,
            "import": self.import_view,
            "system": self.system_view,
            "accept": self.accept_worth_view,
        }
        own = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"rates_coin_{name}")
            for name, view in pages.items()
        ]
        return own + super().get_urls()

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Respond with the coins that CoinGecko finds for `?q=`."""
        self._require(self.has_add_permission(request) or self.has_change_permission(request))
        query = request.GET.get("q", "").strip()[:MAX_QUERY_LENGTH]
        if len(query) < 2:
            return JsonResponse({"coins": []})
        return self._look_up(lambda: {"coins": finder.find_coins(query)})

    def propose_view(self, request: HttpRequest) -> HttpResponse:
        """Respond with the pairs of the coin in the form, and with what each source returns for them."""
        self._require(self.has_add_permission(request) or self.has_change_permission(request))
        return self._look_up(lambda: finder.propose(finder.read_coin(request.GET)))

    def test_view(self, request: HttpRequest) -> HttpResponse:
        """Respond with what each source returns for the coin in the form, side by side."""
        self._require(self.has_add_permission(request) or self.has_change_permission(request))
        return self._look_up(lambda: finder.look_at(finder.read_coin(request.GET)))

    def _look_up(self, ask: Callable[[], dict[str, Any]]) -> JsonResponse:
        try:
            return JsonResponse(ask())
        except RatesError as error:
            return JsonResponse({"error": translate_reason(str(error))})

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Read a file, show what it would change, and import it when that is confirmed."""
        self._require(self.has_add_permission(request) and self.has_change_permission(request))
        if "confirm" in request.POST:
            return self._confirm_import(request)
        form = ImportForm(request.POST or None, request.FILES or None)
        context: dict[str, Any] = {"form": form}
        if request.method == "POST" and form.is_valid():
            try:
                entries = coin_files.read_entries(form.cleaned_data["file"].read(coin_files.MAX_FILE_BYTES + 1))
                plan = coin_files.plan_import(entries)
                check_plan(plan)
                entries = coin_files.keep_verified(entries, plan)
                signed = "" if plan.errors else dumps([[n, dict(e)] for n, e in entries], compress=True)
                context |= {"plan": plan, "signed": signed}
            except coin_files.BadFile as error:
                form.add_error("file", str(error))
        return self._page(request, "import", _("Import coins"), **context)

    def _confirm_import(self, request: HttpRequest) -> HttpResponse:
        try:
            entries = loads(request.POST["confirm"], max_age=PREVIEW_LIFETIME)
        except BadSignature:
            self.message_user(request, _("The preview has expired; choose the file again."), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:rates_coin_import"))
        plan = coin_files.plan_import([(line, entry) for line, entry in entries])
        if plan.errors:
            return self._page(request, "import", _("Import coins"), form=ImportForm(), plan=plan)
        coin_files.apply_import(plan)
        for coin in plan.new:
            self.log_addition(request, coin, _("Imported."))
        for coin, fields in plan.changed:
            self.log_change(request, coin, _("Imported: %s.") % ", ".join(fields))
        counts = {"new": len(plan.new), "changed": len(plan.changed)}
        self.message_user(request, _("Imported: %(new)d new, %(changed)d changed.") % counts, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:rates_coin_changelist"))

    def system_view(self, request: HttpRequest) -> HttpResponse:
        """Show the state of the service."""
        self._require(self.has_view_permission(request))
        coins = list(Coin.objects.enabled())
        overview = load_overview(coins)
        context: dict[str, Any] = {"overview": overview}
        if overview:
            context |= {
                "sources": describe_sources(overview),
                "coins": [(coin, describe_coin(coin, overview)) for coin in coins],
                "processes": describe_processes(overview),
                "owner_changes": describe_owner_changes(overview),
                "board_age": board_age(overview),
                "tether": overview.states.get(USDT_PAIR),
                "depegged": is_depegged(overview.states.get(USDT_PAIR, CoinState())),
                "worths": describe_worths(overview),
                "may_accept": self.has_change_permission(request),
                "backfill": describe_backfill(store.load_backfill()),
            }
        return self._page(request, "system", _("System"), **context)

    def accept_worth_view(self, request: HttpRequest) -> HttpResponse:
        """Show the last good and the waiting value of `?pair=USD/EUR`; once confirmed, accept what was shown."""
        self._require(self.has_change_permission(request))
        pair = request.GET.get("pair", "")
        try:
            rows = self._accept_pair(request, pair)
        except RatesError as error:
            self.message_user(request, translate_reason(str(error)), messages.ERROR)
            rows = []
        if not rows:
            return HttpResponseRedirect(reverse("admin:rates_coin_system"))
        return self._page(request, "accept", _("Accept this value?"), rows=rows, signed=sign_seen(rows))

    def _accept_pair(self, request: HttpRequest, pair: str) -> list[Waiting]:
        """Accept what the confirmation page has shown of *pair*; return what is still to be confirmed."""
        seen = read_seen(request, [pair]) if is_pair(pair) else {}
        if seen and feed.accept_prices(seen):
            log_pair(request, pair, seen[pair])
            self.message_user(request, _("Accepted: %s") % pair, messages.SUCCESS)
            return []
        rows = find_waiting([pair], store.load_states()) if is_pair(pair) else []
        if not rows:
            self.message_user(request, _("%s is not disputed.") % pair, messages.WARNING)
        elif seen:
            text = _("Not accepted: %s. Another price is pending by now; review it first.")
            self.message_user(request, text % pair, messages.WARNING)
        return rows

    def _page(self, request: HttpRequest, name: str, title: str, **context: Any) -> TemplateResponse:
        everywhere = self.admin_site.each_context(request)
        page = {**everywhere, "opts": self.model._meta, "title": title, "media": self.media, **context}
        return TemplateResponse(request, f"admin/rates/coin/{name}.html", page)

    def _require(self, allowed: bool) -> None:
        if not allowed:
            raise PermissionDenied


def _say(coin: Coin, status: CoinStatus) -> str:
    words = (coin.symbol, status.price, translate_state(status.state), status.reason)
    return " ".join(word for word in words if word)


def _file(text: str, name: str, kind: str) -> HttpResponse:
    return HttpResponse(text, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
