"""The record of an adverse event: opened later too, reported on the national case card, followed up and closed."""
