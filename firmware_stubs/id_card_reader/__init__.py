"""A resident-ID reader and synthetic cards to lay on it."""
