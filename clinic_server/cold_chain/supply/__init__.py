"""What probes live on: batteries that run down, and mains that fail."""
