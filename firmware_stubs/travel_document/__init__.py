"""The other end of a travel document reader's wire."""
