"""Files of data loggers: attached as evidence, read, held against what the logger printed and what the probe said."""
