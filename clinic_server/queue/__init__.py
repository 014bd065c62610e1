"""The line before each stage: lanes and batches, who goes first, who is called where, and how long it takes."""
