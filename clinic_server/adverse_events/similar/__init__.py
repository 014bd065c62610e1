"""Similar events that gather round a lot, a bench or a session."""
