"""
The ids and pairs of an import, checked against the sources as the form checks those of one coin.

Tested in `tests/admin/test_import_checks.py`.
"""

from collections.abc import Iterator, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from rates.admin.coin_files import Plan
from rates.admin.pair_checks import EXCHANGES, check_all_pairs, judge_pair
from rates.admin.reasons import translate_reason
from rates.exceptions import RatesError
from rates.models import Coin
from rates.sources import coingecko_catalog

# Seconds for the list of ids.
TIMEOUT = 4.0
# Coins whose pairs are compared at once: about one call to each source.
MOST_COMPARED = 200


def check_plan(plan: Plan) -> None:
    """Add to *plan* what is wrong with ids and pairs and what could not be checked; mark the pairs that agree."""
    _check_ids(plan)
    new = [*plan.new, *(coin for coin, _fields in plan.changed)]
    wanted = [(coin, exchanges) for coin in new if (exchanges := list(_unverified(coin)))]
    if len(wanted) > MOST_COMPARED:
        words = {"count": len(wanted), "most": MOST_COMPARED}
        plan.warnings.append(
            _("The pairs of %(count)d coins are compared when prices come, not here: that is for up to %(most)d.")
            % words
        )
    elif wanted:
        _check_pairs(plan, wanted)


def _check_ids(plan: Plan) -> None:
    if not plan.new:
        return
    try:
        catalog = coingecko_catalog.load_catalog(TIMEOUT)
    except RatesError as error:
        plan.warnings.append(_("The ids could not be verified (%s).") % translate_reason(str(error)))
        return
    unknown = [coin.coingecko_id for coin in plan.new if coin.coingecko_id not in catalog]
    plan.errors += [_("CoinGecko has no coin with the id “%(id)s”.") % {"id": coin_id} for coin_id in unknown]


def _unverified(coin: Coin) -> Iterator[str]:
    for exchange in EXCHANGES:
        if getattr(coin, f"{exchange}_symbol") and not getattr(coin, f"{exchange}_verified"):
            yield exchange


def _check_pairs(plan: Plan, wanted: Sequence[tuple[Coin, Sequence[str]]]) -> None:
    for (coin, _exchanges), findings in zip(wanted, check_all_pairs(wanted), strict=True):
        for finding in findings:
            try:
                check = judge_pair(finding, is_new=True, is_vouched=False)
            except ValidationError as error:
                plan.errors += [f"{coin.symbol}: {message}" for message in error.messages]
                continue
            setattr(coin, f"{finding.source}_verified", check.verified)
            plan.warnings += [f"{coin.symbol}: {check.warning}"] if check.warning else []
