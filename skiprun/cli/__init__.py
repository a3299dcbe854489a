"""The `skiprun` command: parses, calls one function, prints. One file a command; torch is imported inside them."""

from skiprun.cli.app import main

__all__ = ["main"]
