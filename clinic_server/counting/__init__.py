"""Counting what stands in a place: what differs from the records is listed until two people have settled it."""
