"""A newborn without a number of its own: known by its birth certificate, or by its mother and its birth."""
