"""The program of a desk PC: it carries the devices that hang there to the server of the site."""

__version__ = "0.1.0"
