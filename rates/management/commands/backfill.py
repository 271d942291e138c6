"""
`manage.py backfill BTC --since 2024-01-01`: fetch historical candles by hand.

Tested in `tests/backfill/test_command.py`.
"""

import time
from argparse import ArgumentTypeError
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rates.backfill.plan import WANTED
from rates.backfill.requests import (
    TETHER,
    Gap,
    Request,
    StepResult,
    fill,
    has_recent_price,
    kept_seconds,
    list_currencies,
    list_sources,
)
from rates.history import archive
from rates.history.archive import SOURCE_NAMES
from rates.history.candles import MINUTE, STORED
from rates.history.series import find_series
from rates.models import Backfill, Coin
from rates.symbols import find_symbol

BAR = 30
MOST_MISSING = 3


def read_day(text: str) -> int:
    """Return the Unix time at which the day in *text* began, UTC."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2024-01-01") from None
    if moment > datetime.now(UTC):
        raise ArgumentTypeError(f"{text!r} is in the future")
    return int(moment.timestamp())


class Command(BaseCommand):
    """Fetch minutes, hours and days; may be stopped, and continues when it is started again."""

    help = "Fetch historical candles from the vendors: minutes, hours and days, as far as they are kept."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the coins and the day."""
        parser.add_argument("symbols", nargs="+", help="coins of the list and currencies, such as BTC USD/EUR")
        parser.add_argument(
            "--since", type=read_day, help="a day such as 2024-01-01; by default, what is fetched anyway"
        )
        parser.add_argument("--again", action="store_true", help="request again what vendors did not have")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill every gap, newest first, and print a summary of each."""
        if not list_sources():
            raise CommandError("neither RATES_SOURCES nor RATES_STREAM has a vendor with historical candles")
        coins = [TETHER, *_find_coins(options["symbols"])]
        if unknown := [c.symbol for c in coins if not has_recent_price(Gap(c, MINUTE).instrument, time.time())]:
            raise CommandError(
                f"no price of {', '.join(unknown)} was recorded within two days, and what vendors have is compared "
                "with that: start the service, and try again in two minutes"
            )
        gaps = [Gap(coin, interval, options["since"]) for coin in coins for interval in STORED]
        if options["again"]:
            pairs = {gap.instrument for gap in gaps}
            Backfill.objects.filter(series__base__in={pair.base for pair in pairs}, candles=0).delete()
        for gap in gaps:
            self._sum_up(gap, self._fill(gap))

    def _fill(self, gap: Gap) -> StepResult:
        """Return the last step, once there is no request left."""
        asked, stored, share = 0, 0, 0.0
        while True:
            step = fill(gap, time.time())
            if step.wait:
                time.sleep(step.wait)
                continue
            if step.request is None:
                self._draw(gap, 1.0, f"{asked} requests, {stored} candles\n")
                return step
            asked, stored = asked + 1, stored + step.stored
            # The next vendor is asked about the same range, from its end on.
            share = max(share, _find_share(step.request))
            self._draw(gap, share, f"{step.request.source.NAME}, {stored} candles")

    def _draw(self, gap: Gap, share: float, words: str) -> None:
        done = round(BAR * share)
        self.stdout.write(f"\r{gap!s:<10} [{'#' * done}{'.' * (BAR - done)}] {words:<40}", ending="")
        self.stdout.flush()

    def _sum_up(self, gap: Gap, step: StepResult) -> None:
        missing = step.missing
        series = find_series(gap.instrument, gap.interval)
        times = archive.read_times(series.pk, 0, int(time.time())) if series else []
        spans = ", ".join(f"{_write_day(start)} to {_write_day(end)}" for start, end in missing[-MOST_MISSING:])
        more = f" and {len(missing) - MOST_MISSING} more" if len(missing) > MOST_MISSING else ""
        since = f" since {_write_day(times[0])}" if times else ""
        self.stdout.write(f"{gap}: {len(times)} candles{since}; missing: {spans or 'nothing'}{more}")
        if step.judged_again:
            self.stdout.write(f"  {step.judged_again} candles were disputed for lack of a USDT/USD, which is known now")
        noted = Backfill.objects.filter(series_id=series.pk).exclude(note="") if series else ()
        for told in noted:
            vendor, refused = SOURCE_NAMES[told.source], f"{told.refused} candles refused: " if told.refused else ""
            note = told.note.removeprefix(f"{vendor}: ")
            self.stdout.write(f"  {vendor}, from {_write_day(told.start)}: {refused}{note}")


def _find_coins(symbols: Sequence[str]) -> list[Coin]:
    coins = {coin.symbol: coin for coin in (*Coin.objects.all(), *list_currencies())}
    found = {wanted: find_symbol(coins, wanted) for wanted in symbols}
    if unknown := [wanted for wanted, symbol in found.items() if symbol is None]:
        raise CommandError(f"not on the coin list: {', '.join(unknown)}; it has {', '.join(coins)}")
    return [coins[symbol] for symbol in found.values() if symbol is not None]


def _find_share(request: Request) -> float:
    """Return the share of the range that has been requested; requests go from new to old."""
    now = time.time()
    interval, since = request.gap.interval, request.gap.since
    wanted = WANTED[interval] if since is None else min(now - since, kept_seconds(interval))
    return min(1.0, (now - request.span.start) / max(1.0, wanted))


def _write_day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}".removesuffix(" 00:00")
