"""Chip cards that exist only as a program, and the slot they are put into."""
