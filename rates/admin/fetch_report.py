"""
What "Fetch prices now" says of each source: what it answered, or why it was not asked.

Tested in `tests/admin/test_coins.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rates.admin.reasons import translate_reason
from rates.exceptions import SourceError
from rates.judgement.readings import is_delivered
from rates.judgement.rules import read_rules
from rates.models import Coin
from rates.sources.pacing import pause_left, read_health
from rates.sources.registry import POLL_SOURCES
from rates.store import Overview
from rates.types import CoinState, Rate

Answers = Mapping[str, list[Rate] | SourceError]


def describe_fetch(answers: Answers, coins: Sequence[Coin], overview: Overview | None) -> Iterator[tuple[int, str]]:
    """Yield a level and a line for each source in use; *answers* are those of the tick, *coins* those selected."""
    for name in settings.RATES_SOURCES:
        answer = answers.get(name)
        if isinstance(answer, SourceError):
            yield messages.WARNING, translate_reason(str(answer))
        elif answer is not None:
            yield messages.SUCCESS, _count(name, answer, coins)
        else:
            yield messages.INFO, f"{name}: {_explain_silence(name, coins, overview)}"


def _count(name: str, answer: Sequence[Rate], coins: Sequence[Coin]) -> str:
    told = {rate.symbol for rate in answer} & {coin.symbol for coin in coins}
    text = ngettext(
        "%(source)s: a price of %(told)d of the %(all)d selected coin",
        "%(source)s: prices of %(told)d of the %(all)d selected coins",
        len(coins),
    )
    return text % {"source": name, "told": len(told), "all": len(coins)}


def _explain_silence(name: str, coins: Sequence[Coin], overview: Overview | None) -> str:
    now = datetime.now(UTC)
    if overview and (left := pause_left(read_health(overview.healths, name), now.timestamp())) > 0:
        return _("not asked, it is paused for another %d s") % left
    asked = [coin for coin in coins if name in POLL_SOURCES and POLL_SOURCES[name].count_calls([coin])]
    if not asked:
        return _("not asked, it has none of the selected coins")
    if overview and all(_is_streamed(overview.states.get(coin.symbol, CoinState()), name, now) for coin in asked):
        return _("not asked, its stream delivers")
    return _("not asked, its last answer is recent enough")


def _is_streamed(state: CoinState, name: str, now: datetime) -> bool:
    reading = state.readings.get(name)
    return reading is not None and is_delivered(reading, now, read_rules())
