"""Excursions under every fault: fridges, pagers, what befalls them, and the books compared at the end."""
