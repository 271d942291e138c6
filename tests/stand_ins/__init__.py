"""
Servers on localhost that speak the wire formats of the vendors, and can misbehave in every way that vendors do.

In a test: `with Binance() as binance: binance.fault = "hang"`. By hand, with a control address on the same port:

    python -m tests.stand_ins coingecko --port 9101
    curl 'http://127.0.0.1:9101/control?fault=429&BTC=63000'
    curl 'http://127.0.0.1:9101/control?fault='

A fault that a stand-in does not have is refused, with the list of those that it has.
"""
