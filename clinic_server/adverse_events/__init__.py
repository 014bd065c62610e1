"""Reactions after a dose: one file a case, from the first minute on site to the last line of its report."""
