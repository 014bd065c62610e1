"""What happened, seen from above: the journal, and the figures of a day."""
