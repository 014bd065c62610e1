"""People who are gone and nobody saw them go: noted by a nurse, and followed up by telephone until reached."""
