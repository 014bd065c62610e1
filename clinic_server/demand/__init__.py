"""What the coming days need, how long the stock covers it, and what would expire unused."""
