"""
Backfill: historical candles from the vendors, for new coins and after gaps.

    plan         which candles are missing, and which range the next request is about
    requests     one request to a vendor, and what is stored of its answer
    factors      what a vendor's prices are converted by
    consistency  whether a vendor's candles are those of the coin
    gap_filler   the gaps of all coins, one after the other
"""
