"""The health of a stream, shared by all processes; pauses that streams keep are in `test_reconnecting.py`."""

from rates.exceptions import SourceLimited
from rates.sources import binance_stream
from rates.streams.health import SharedHealth


async def test_a_stream_that_delivers_does_not_end_the_pause_of_another_process() -> None:
    await SharedHealth(binance_stream).broke(SourceLimited("binance", "418", 120), lasted=True)
    await SharedHealth(binance_stream).delivers(0.0)
    pause, words = await SharedHealth(binance_stream).read_pause()
    assert (pause > 0, words) == (True, "binance: 418")
