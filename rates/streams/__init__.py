"""The exchanges' live streams: which process holds them, their connections, what they delivered last."""
