"""Excursions: found as the readings are stored, what they held, what was decided of it, and the form about them."""
