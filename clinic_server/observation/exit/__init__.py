"""The way out: a reader that tells everybody at a glance and by ear whether they may leave."""
