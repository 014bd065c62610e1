"""The ambulance's duty: where it is, whose it is, and whether that is near enough for injections to go on."""
