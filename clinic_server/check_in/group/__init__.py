"""A group at the desk: a school class, a factory, a nursing home, checked in at once from its list."""
