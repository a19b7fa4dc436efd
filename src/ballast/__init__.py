"""Ballast keeps a crypto index in balance from a conversation."""

__version__ = "0.1.0"
