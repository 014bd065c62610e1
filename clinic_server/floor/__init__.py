"""The site lead's view: how the day flows, where it halts, and when it will be over."""
