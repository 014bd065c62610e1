"""The thirty minutes after, and the way out."""
