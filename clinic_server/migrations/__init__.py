"""The schema's history; scripts in ``versions`` never import application code."""
