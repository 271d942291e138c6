"""
Redis, the shared memory of all processes.

    keys          every key, and what it holds
    redis_client  the client, transactions, and failures as `StoreUnavailable`
    board         the published board, its histories, the state of each coin: how they are changed
    header        whose board it is, its number and its coins
    memory        the board and the states, read only where somebody has changed them since
    snapshot      the board and the states as they are read
    overview      the same with all that the admin shows
    codec         the state of a coin as text
    known         what this process last read or wrote of each coin
    coin_list     the coins on the board, also while the database is down
    database      queries that nobody waits for longer than their deadline
    coordination  slots, the leader of the streams, health of the sources, reports of the processes, login attempts
    minutes       the minutes that are published and not in the database yet
    lookups       what CoinGecko told beside prices: look-ups of the admin, market caps; the central bank's file
"""

from rates.store.board import Change, Saved, update_board
from rates.store.coordination import (
    Healths,
    acquire_leadership,
    claim_slot,
    count_attempts,
    count_calls,
    forget_processes,
    forget_unknown_pairs,
    forgive_attempts,
    is_known,
    load_calls,
    load_healths,
    load_processes,
    load_unknown_pairs,
    release_leadership,
    report_process,
    save_unknown_pairs,
    update_healths,
)
from rates.store.header import BOARD_VERSION, Header, describe_foreign, load_difference, load_header
from rates.store.keys import HISTORY_LEADER, STATES, history_key, rate_key
from rates.store.lookups import (
    load_catalog,
    load_market_caps,
    load_search,
    save_bank_file,
    save_catalog,
    save_market_caps,
    save_search,
)
from rates.store.memory import Memory, load_tick
from rates.store.minutes import (
    forget_minutes,
    load_backfill,
    load_day_stats,
    load_minutes,
    load_newest_minutes,
    save_backfill,
    save_day_stats,
    save_minutes,
)
from rates.store.overview import Overview, load_histories, load_overview
from rates.store.redis_client import client, load_server_facts, redis_errors
from rates.store.snapshot import load_snapshot, load_states

__all__ = [
    "BOARD_VERSION",
    "HISTORY_LEADER",
    "STATES",
    "Change",
    "Header",
    "Healths",
    "Memory",
    "Overview",
    "Saved",
    "acquire_leadership",
    "claim_slot",
    "client",
    "count_attempts",
    "count_calls",
    "describe_foreign",
    "forget_minutes",
    "forget_processes",
    "forget_unknown_pairs",
    "forgive_attempts",
    "history_key",
    "is_known",
    "load_backfill",
    "load_calls",
    "load_catalog",
    "load_day_stats",
    "load_difference",
    "load_header",
    "load_healths",
    "load_histories",
    "load_market_caps",
    "load_minutes",
    "load_newest_minutes",
    "load_overview",
    "load_processes",
    "load_search",
    "load_server_facts",
    "load_snapshot",
    "load_states",
    "load_tick",
    "load_unknown_pairs",
    "rate_key",
    "redis_errors",
    "release_leadership",
    "report_process",
    "save_backfill",
    "save_bank_file",
    "save_catalog",
    "save_day_stats",
    "save_market_caps",
    "save_minutes",
    "save_search",
    "save_unknown_pairs",
    "update_board",
    "update_healths",
]  # fmt: skip
