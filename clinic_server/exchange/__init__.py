"""Lists in and out: products and opening stock from workbooks and CSV, and the same written for others to read."""
