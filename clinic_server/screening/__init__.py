"""Health questions and the physician's decision."""
