"""
What one unit of the base is worth in each other currency, judged by the same code as a coin.

    currency         measured by                                          stale after
    eur, jpy, ...    CoinGecko, Kraken's pairs, the central bank's file   an hour
    btc, eth, ...    the coin on the board, if it is there; or CoinGecko  as that coin, or as USDT/USD
    sats, bits       as btc

The state of a currency has the name of its pair, ``USD/EUR``: its price is what one unit of the base is worth.

The central bank speaks once a day. It is an opinion against any other, but it is shown only where it is the newest one:
a live price that nobody confirms any more becomes stale, and is not replaced by an older one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from msgspec.structs import replace

from rates.currencies import (
    CENTRAL_BANK,
    COIN_IDS,
    PARTS_OF_BTC,
    divide,
    is_coin,
    measured,
    offered,
    pair_of,
    relative_change,
)
from rates.judgement.conversion import pair_rules
from rates.judgement.ownership import Verdict, decide
from rates.judgement.readings import find_fresh
from rates.judgement.rules import Rules
from rates.models import Coin
from rates.types import WIDE, CoinState, Currency, decimal_text, time_text

STALE_AFTER = timedelta(hours=1)
# Percent: currencies move less than coins.
AGREEMENT_PCT = Decimal(1)
MAX_JUMP_PCT = Decimal(2)


def list_pairs(coins: Sequence[Coin]) -> dict[str, str]:
    """Return the code of each currency that has to be measured, by its pair: a coin on the board is measured there."""
    ids = {coin.coingecko_id for coin in coins}
    return {pair_of(code): code for code in measured() if COIN_IDS.get(code) not in ids}


def currency_rules(code: str, rules: Rules) -> Rules:
    """Return the rules by which the worth of the base in the currency *code* is judged."""
    if is_coin(code) or is_coin(settings.QUOTE_CURRENCY):
        return replace(rules, stale_after=pair_rules(rules).stale_after)
    return replace(
        rules,
        polls=(*rules.polls, CENTRAL_BANK),
        stale_after=max(STALE_AFTER, rules.stale_after),
        agreement_pct=min(AGREEMENT_PCT, rules.agreement_pct),
        max_jump_pct=min(MAX_JUMP_PCT, rules.max_jump_pct),
    )


def judge_currency(state: CoinState, now: datetime, rules: Rules) -> Verdict:
    """Return the verdict on what the base is worth in a currency, by *rules* that are its own."""
    live = {source: reading for source, reading in state.readings.items() if source != CENTRAL_BANK}
    if not _is_behind(state, live, now, rules):
        return decide(state, {}, now, rules)
    verdict = decide(replace(state, readings=live), {}, now, rules)
    return replace(verdict, state=replace(verdict.state, readings=state.readings))


def _is_behind(state: CoinState, live: Mapping[str, object], now: datetime, rules: Rules) -> bool:
    """Return whether nobody but the central bank speaks, and what shows is newer than what it says."""
    bank, shown = state.readings.get(CENTRAL_BANK), state.shown
    if bank is None or shown is None or shown.source == CENTRAL_BANK:
        return False
    fresh = {reading.rate.source for reading in find_fresh(state.readings, now, rules)}
    return not fresh.intersection(live) and bank.rate.observed_at <= shown.observed_at


def describe_currencies(verdicts: Mapping[str, Verdict], coins: Sequence[Coin], now: datetime) -> dict[str, Currency]:
    """Return every offered currency but the base, by code, by the *verdicts*; those without a price are left out."""
    base = settings.QUOTE_CURRENCY
    symbols = {coin.coingecko_id: coin.symbol for coin in coins}
    whole = {code: _describe(code, verdicts, symbols.get(COIN_IDS.get(code, ""))) for code in measured()}
    whole[base] = Currency(base, "1", "0", "", time_text(now))
    found = {code: _take_part(whole["btc"], code) if code in PARTS_OF_BTC else whole[code] for code in offered()[1:]}
    return {code: worth for code, worth in found.items() if worth is not None}


def _take_part(btc: Currency | None, code: str) -> Currency | None:
    return btc and btc._replace(code=code, per_base=_shift(btc.per_base, PARTS_OF_BTC[code]))


def _shift(per_base: str, places: int) -> str:
    return decimal_text(Decimal(per_base).scaleb(places, WIDE))


def _describe(code: str, verdicts: Mapping[str, Verdict], coin: str | None) -> Currency | None:
    """Return what the verdict on the currency, or on the *coin* that it is, says of it."""
    verdict = verdicts.get(coin or pair_of(code))
    if verdict is None or verdict.state.shown is None:
        return None
    shown = verdict.state.shown
    change = shown.change_24h_pct
    if coin and change is not None:
        change = relative_change(Decimal(0), change)
    return Currency(
        code=code,
        per_base=decimal_text(divide(Decimal(1), shown.price) if coin else shown.price),
        change_24h_pct=None if change is None else decimal_text(change),
        source=shown.source,
        observed_at=time_text(shown.observed_at),
        stale=verdict.stale,
        disputed=verdict.state.disputed,
        confirmed_by=verdict.confirmed_by,
        coin=coin,
    )
