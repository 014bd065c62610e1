"""Who of the site reports adverse events (R117)."""
