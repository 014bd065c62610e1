"""Complete visits per second through every gate, beside what bounds them and what one would write at first."""
