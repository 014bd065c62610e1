"""Resident-ID card readers with the police SAM module, on a serial line."""
