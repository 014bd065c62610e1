"""A barcode scanner."""
