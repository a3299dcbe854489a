"""A network as a file for other programs: one format a file, each with what reads it back."""
