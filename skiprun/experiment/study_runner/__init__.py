"""Studies of runs, from names to documents that are kept."""
