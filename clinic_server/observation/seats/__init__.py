"""Who sits where in the observation area: arrivals, seats, and who has not come from the bench yet."""
