"""Care on site: the key that calls the team, the log of what was seen and done, and the handing over."""
