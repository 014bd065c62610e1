"""Calling back: who was given a lot, what of it is left and where, who is told, what is destroyed before witnesses."""
