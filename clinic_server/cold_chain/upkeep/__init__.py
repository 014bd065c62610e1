"""What people look after in the cold chain: readings by hand, certificates, probes, appliances, seals, limits."""
