"""States as text: nothing is lost, and nothing is misread."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rates.judgement.next_board import revise
from rates.models import Coin
from rates.store import Memory
from rates.store.codec import decode_state, encode_state
from rates.types import CoinState, Held, Rate, Reading
from tests.coins import pairs

NOW = datetime(2026, 11, 24, 12, 0, 0, 123000, tzinfo=UTC)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("1e-28"), max_value=Decimal("1e15"))
moments = st.timedeltas(timedelta(0), timedelta(days=9999)).map(NOW.__add__)
rates = st.builds(
    Rate, st.just("BTC"), decimals, st.none() | decimals, st.none() | decimals, st.just("kraken"), moments, moments
)
states = st.builds(
    CoinState,
    coingecko_id=st.text(max_size=5),
    pairs=st.dictionaries(st.text(max_size=5), st.text(max_size=5)).filter(lambda found: found != {}),
    proven=st.frozensets(st.text(max_size=5)),
    dissenters=st.frozensets(st.text(max_size=5)),
    readings=st.builds(
        lambda r: {"kraken": r}, st.builds(Reading, rates, st.booleans(), anchors=st.dictionaries(st.text(), decimals))
    ),
    shown=st.none() | rates,
    good=st.none() | decimals,
    disputed=st.booleans(),
    held=st.none() | st.builds(Held, st.just("kraken"), decimals, moments),
)


@given(states)
def test_a_state_is_decoded_as_it_was_encoded(state: CoinState) -> None:
    assert decode_state(encode_state(state)) == state


def test_a_timestamp_that_does_not_advance_does_not_for_the_next_publisher_either(settings) -> None:
    settings.RATES_STREAM, settings.RATES_SOURCES = [], ["kraken"]
    stamp, states = NOW.replace(microsecond=123456), {}
    coin = Coin(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", **pairs("BTC"))
    changes = []
    for seconds, price in enumerate(("100", "100", "1000", "1000", "1000", "1000")):
        rate = Rate("BTC", Decimal(price), None, None, "kraken", stamp, NOW + timedelta(seconds=seconds))
        changes.append(revise(Memory(None, states), [coin], [rate], rate.received_at))
        states = {symbol: decode_state(encode_state(state)) for symbol, state in changes[-1].states.items()}
    assert [len(made.points) for made in changes] == [1, 0, 0, 0, 0, 0]
    assert states["BTC"].held == Held("kraken", Decimal(1000), stamp)


@pytest.mark.parametrize("text", ['{"v":0}', '{"v":99,"shown":"garbage"}'])
def test_a_state_of_another_release_is_forgotten_not_misread(text: str) -> None:
    assert decode_state(text) == CoinState()
