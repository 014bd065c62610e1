"""Readers that send the machine readable zone of passports and travel permits as text."""
