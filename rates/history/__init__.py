"""
Candles: recorded from publications, kept in the database, filled in from the vendors' past, and read again.

    recorder, minutes          what was published in the running minute
    keeper, writer             from Redis to the database
    candles, packing, archive  candles, how their prices are stored, and where
    plan, filler, backfill     what is missing, and how it is fetched from the vendors
    joining                    whether a vendor's past is that of the coin
    reading, valuation         candles of any interval; the price at a moment
"""
