"""The change of shift: one list of everybody who is watched or gone, taken over by somebody with a name."""
