"""
What clients read over HTTP.

    urls                           the paths
    board                          the board, one coin of it, recent updates
    documents                      what describes the API and the socket
    views                          health, `/metrics`, tokens of pages
    currencies                     what currencies are worth, and conversions
    history                        candles, and prices at a moment of the past
    parameters, problems, tables   what may be asked for; errors; rows as JSON or CSV
    origins                        which pages of other sites may read it
    readiness, probes              `/readyz`, and probes by address
    metrics                        the text of `/metrics`
"""
