"""The engine: from the sources to the socket."""

__version__ = "0.1.0"
