"""Slips on paper: the queue ticket at the desk, the observation slip at the bench."""
