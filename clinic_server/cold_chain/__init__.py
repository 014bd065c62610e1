"""The cold chain: where vaccine stands, what the probes there say, and whether that is as it should be."""
