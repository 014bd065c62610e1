"""Where vaccine stands, and how cold it is there."""
