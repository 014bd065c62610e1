"""Whether the site may vaccinate: the session opened with its 四有, and what has lapsed since."""
