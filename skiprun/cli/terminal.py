"""Terminal output: results on stdout, the rest on stderr; ASCII, and user text is never read as markup."""

from __future__ import annotations

import json
import logging
import sys

from rich.text import Text

from skiprun.display.console import PlainConsole
from skiprun.display.loading import Loading
from skiprun.system.files import json_safe
from skiprun.system.logs import is_about_data
from skiprun.system.ranks import is_first_rank

people = PlainConsole(stderr=True)
# Redirected, results are read by programs and kept in logs: wide, so that nothing is folded or cut.
results = PlainConsole(width=None if sys.stdout.isatty() else 200)
loading = Loading(people)


def complain(message: str) -> None:
    """Print an error, line by line; the first says that it is one."""
    for line in f"error: {message}".split("\n"):
        people.print_line(Text(line, style="red"))


def say(message: str) -> None:
    """Print a line for people."""
    people.print_line(message)


class TerminalHandler(logging.Handler):
    """Prints what the package logs, as all else is printed; what is about the data only once."""

    def __init__(self) -> None:
        super().__init__()
        self.printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message, line by line."""
        message = record.getMessage()
        for line in message.split("\n") if message not in self.printed else ():
            say(line)
        if is_about_data(record):
            self.printed.add(message)


HANDLER = TerminalHandler()


def start_logging() -> None:
    """Begin a command: from now on, print the warnings of the package."""
    HANDLER.printed.clear()
    set_quiet(True)
    logger = logging.getLogger("skiprun")
    logger.setLevel(logging.INFO)
    logger.addHandler(HANDLER)


def set_quiet(quiet: bool) -> None:
    """Print warnings alone, as --quiet and --json ask, or also what is done; of several ranks, one prints."""
    level = logging.WARNING if quiet else logging.INFO
    HANDLER.setLevel(level if is_first_rank() else logging.CRITICAL)


def show_commands(lines: list[str], json: bool) -> None:
    """Print command lines on stdout, each whole, for a shell."""
    if json:
        return emit(lines)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    if not lines:
        say("All runs are done; the same command without --print-commands shows what came of them.")


def emit(document: object) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(json_safe(document), indent=2, allow_nan=False) + "\n")
