"""The spine: what a visit is, every legal step of it, and where each one stands."""
