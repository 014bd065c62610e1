"""Fridge probes: the site's own and Tasmota's."""
