"""Barcode scanners that send text over a serial line (RS-232 or USB CDC)."""
