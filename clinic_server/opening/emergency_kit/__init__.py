"""The emergency kit: a stock of its own, put in, used on people, taken out, and counted every day."""
