"""Mistakes set right: typed, by role, with a reason; what was done with a needle is never un-happened."""
