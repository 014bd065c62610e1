"""Who people are: their documents, sealed, and never two for one number."""
