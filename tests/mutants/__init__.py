"""Change a place of the code, and see whether a test fails: `make mutants`."""
