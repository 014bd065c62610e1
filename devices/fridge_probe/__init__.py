"""Fridge temperature probes that publish over MQTT."""
