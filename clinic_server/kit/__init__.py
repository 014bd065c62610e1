"""What every slice stands on; nothing in here knows a clinic noun."""
