"""
Candles: recorded from publications, stored in the database, and read again.

    recorder, minutes  what was published in the running minute
    writer             from Redis to the database
    candles, packing   what a candle is, and how its prices are stored
    series, archive    candles in the database
    reading            candles of any interval and currency, the running one last
    valuation          the price at a moment
    day_stats          low, high and line of the last 24 hours
"""
