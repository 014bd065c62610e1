"""The end of a clinic day: the sums that must agree, what stands in the way, and the day as it was closed."""
