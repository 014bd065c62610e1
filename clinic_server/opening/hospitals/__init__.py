"""The hospitals people are taken to, and which of them is the site's own for adults and for children."""
