"""
The board and its history as programs of CoinGecko's API read them, under `/api/v3/`; `docs/coingecko.md` is for them.

    urls                             the paths
    views                            from a request to the answer of one of the modules below
    replies                          headers, errors and methods, the same on every path
    parameters                       what may be asked for, read as CoinGecko reads it
    catalog                          our coins by CoinGecko's ids, by name and by symbol
    board                            the published board: prices in every currency, market caps
    simple_price, markets, coin      current prices
    charts, past                     candles, and prices of the past
    exchange_rates                   what one bitcoin is worth
    images                           a coloured letter for each coin
"""
