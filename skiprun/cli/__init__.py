"""The `skiprun` command: parses, calls one function, prints; a file a command, torch imported inside."""

from skiprun.cli.app import main

__all__ = ["main"]
