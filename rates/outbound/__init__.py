"""
Connections to vendors, each of which ends by its deadline.

    http                calls with `requests`
    websocket           sessions with exchanges
    dialing             opens the connections of HTTP calls, of sessions with exchanges and of streams
    happy_eyeballs      which of a host's addresses is used
    proxies             which proxy leads to a vendor
    tls                 which authorities are trusted
    deadlines, errors   when a connection has to end; why it failed, in words
    retry_after         how long a server wants clients to wait
"""
