"""
One module per source of rates; a vendor's words, formats and exceptions do not leave it.

    binance, coingecko, kraken      polled on a tick
    simulated                       the same for demonstrations
    binance_stream, kraken_stream   live streams
    protocols, registry             what these modules offer; all of them by name
    pacing                          when a source may be asked again
    staff_lookup                    calls on behalf of staff, between the ticks
    coingecko_catalog               which coin has which id, and which pairs it is
    websocket, vendor_values        questions to exchanges; numbers and times in answers
"""
