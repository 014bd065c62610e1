"""What is wrong with this site's machine, settings, database and devices, and what to do about it; changes nothing."""
