"""Alerts: what is wrong at the site right now, who has been told, and who has answered."""
