"""
How vendors are reached: every connection and every call ends by its deadline.

    http                calls by `requests`
    dialing             connections for `http`, for sessions with exchanges and for streams
    proxies             which proxy is on the way
    tls                 which certificates are trusted
    deadlines, errors   when a connection has to end; why it did, in words
    retry_after         when a server wants to be asked again
"""
