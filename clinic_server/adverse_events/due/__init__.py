"""Clocks that run: by when an event is reported, and each step that follows."""
