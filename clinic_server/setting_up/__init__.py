"""What a new site needs before it may open, each with where to get it."""
