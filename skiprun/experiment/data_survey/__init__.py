"""Look at a dataset before anything is trained on it: counts, sizes, examples, and what is suspicious."""
