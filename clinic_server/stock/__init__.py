"""Every vial: product, lot, unit and its doses."""
