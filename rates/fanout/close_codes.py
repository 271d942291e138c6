"""
Why the server closes a socket. Reference: RFC 6455, section 7.4, and IANA's registry of close codes.

Tested in `tests/fanout/test_consumers.py`, which knows the numbers.
"""

from enum import IntEnum


class CloseCode(IntEnum):
    """
    The close codes that the service sends; `docs/protocol.md` says what a client should do about each.

    Names are those of the registry. From 4000 on the codes are private: ours, and part of the protocol.
    """

    UNSUPPORTED_DATA = 1003
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    TOKEN_REFUSED = 4001
    NOT_ALLOWED = 4003
