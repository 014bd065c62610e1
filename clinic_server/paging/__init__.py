"""Paging: the site's ways to wake somebody, what was sent through them, and the proof that they still work."""
