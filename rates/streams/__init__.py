"""
The exchanges' live streams: which process leads, their connections, what they delivered last.

    leader          of several processes one streams; publishes what changed
    reconnecting    one stream, kept open
    latest          the newest rate of each coin from each stream
    lost_pairs      silent pairs whose prices move
    reading_pauses  messages that wait anyway are read together
    health          pauses, shared with the next leader
"""
