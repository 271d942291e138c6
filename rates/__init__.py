"""
The engine: from the sources to the sockets. `docs/architecture.md` has the picture, and where to find what.

    tasks, signals, management   where work starts: a tick from Celery, an edit in the admin, a command
    feed, polling                a tick: which sources are asked, and what changes the board
    sources, outbound            one module per vendor; connections that end by a deadline
    streams                      the exchanges' live streams
    central_bank                 what currencies are worth, once a day
    judgement                    what the sources said becomes the next board
    store                        Redis: the board, and what processes share
    publication                  a change of the board, encoded once
    inbound                      connections that clients open
    fanout                       from a publication to every socket and event stream
    history, history_thread      candles: recorded, stored, read
    backfill, vendor_history     historical candles from the vendors
    gateway                      what every request to the API passes first
    coingecko_api                board and history as CoinGecko's API has them
    api, admin, telemetry        what is read over HTTP, where staff work, what is measured
"""

__version__ = "0.1.0"
