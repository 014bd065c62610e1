"""The server of one vaccination site."""

__version__ = "0.1.0"
