"""Who works here, what they may do, and who is signed in where."""
