"""The `skiprun` command: parses, calls one function, prints; a file a command, torch imported inside."""

import os


def main() -> None:
    """Run the command line, or say to a shell what the word at the cursor may become."""
    if os.environ.get("_SKIPRUN_COMPLETE", "").startswith("complete_"):
        from skiprun.cli.completion import complete

        return complete()
    from skiprun.cli.app import main as run

    run()
