"""Chip cards that name their holder without a secret: one file for each kind, read through PC/SC."""
