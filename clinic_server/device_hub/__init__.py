"""Where devices meet the clinic, and the only place that imports ``devices``: events in, the right station out."""
