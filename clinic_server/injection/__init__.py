"""The permit, the needle, the record."""
