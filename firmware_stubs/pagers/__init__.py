"""The other ends of pagers."""
