"""
The exchanges' live streams: which process leads, their connections, what they delivered last.

    leader         of several processes one streams; publishes what changed
    reconnecting   one stream, kept open
    latest         the newest rate of each coin from each stream
    health         pauses, shared with the next leader
"""
