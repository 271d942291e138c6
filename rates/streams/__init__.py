"""The exchanges' live streams: which process leads, their connections, what they delivered last."""
