"""
What every request below `/api/` passes before Django.

    gate           the ASGI application around Django and the stream
    rate_limit     how many requests a minute an address may send
    access         who may ask, with `RATES_API_AUTH=jwt`
    event_stream   `/api/stream`: the sockets' frames as server-sent events
    event_links    a link of the hub to such a client, under each server
    prepared       answers about the board, kept until the next publication
    replies        an answer as bytes; error pages that become problems
"""
