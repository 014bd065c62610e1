"""Who did what, and who looked at whose data, for auditors and the owner."""
