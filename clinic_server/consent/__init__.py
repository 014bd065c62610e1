"""What the person was told, and what they signed."""
