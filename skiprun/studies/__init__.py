"""Studies analyse a network: one published measurement a file, on an isolated copy."""
