"""Registration: who came, and their ticket."""
