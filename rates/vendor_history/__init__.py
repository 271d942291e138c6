"""
One module per vendor that has historical candles; its words, formats and exceptions stop inside it.

    answers      what all of them have in common
    binance      candles in USDT
    kraken       candles in the quote currency, and of currencies
    coingecko    candles made of single prices
    ecb          what currencies were worth on working days
    registry     all of them, in the order in which they are asked
"""
