"""What a person was given, here and elsewhere, and what the schedule says is due."""
