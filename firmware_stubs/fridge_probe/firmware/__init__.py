"""The site's own fridge probe in MicroPython; CPython runs the same files."""
