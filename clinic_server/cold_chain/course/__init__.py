"""How temperatures went: over hours and over years, drawn, in figures, and for the month's report."""
