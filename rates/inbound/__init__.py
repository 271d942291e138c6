"""
Connections that clients open, as `manage.py serve` accepts them.

    listener    accepts them
    transport   reads and writes one of them
    upgrade     what the first bytes are for, and the opening handshake of a WebSocket
    opening     the request of such a handshake
"""
