"""Completion in a shell: commands, options, runs, config keys, architectures, templates, studies, claims.

What can be typed is kept as a table in the user's cache, so that a word comes at once. It is made of the
commands themselves, when there is none or the sources have changed, which takes a few seconds.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from typer.completion import completion_init  # type: ignore[attr-defined]
from typer.core import TyperCommand

import skiprun
from skiprun.cli.completion_words import Table, candidates
from skiprun.errors import StorageError
from skiprun.system.cache import cache_folder

VARIABLE = "_SKIPRUN_COMPLETE"
WINGS = ("cli", "config", "connections", "models", "studies", "claims", "protocols")


def complete() -> None:
    """Print what the word at the cursor may become, in the format of the shell that asks."""
    completion_init()
    Completer().main(args=[], prog_name="skiprun", complete_var=VARIABLE)


class Completer(TyperCommand):
    """Stands for all commands, so that typer reads what a shell asks and writes what it understands."""

    def __init__(self) -> None:
        super().__init__("skiprun", add_help_option=False)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take every word as it is."""
        ctx.args = args
        return args

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the words that begin as the one at the cursor."""
        found = dict(candidates(read_table(), ctx.args, incomplete))
        # Else typer imports rich, to take markup out of the help that has none: longer than all of this.
        sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
        return [SimpleNamespace(value=word, help=text, type="plain") for word, text in found.items()]


def read_table() -> Table:
    """Return what can be typed, and keep it where there is a place."""
    with suppress(StorageError, OSError, ValueError):
        file = cache_folder() / f"completion-{sources_key()}.json"
        if file.exists():
            table: Table = json.loads(file.read_text(encoding="utf-8"))
            return table
    from skiprun.cli.completion_table import make_table

    table = make_table()
    with suppress(StorageError, OSError):
        file = cache_folder() / f"completion-{sources_key()}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        for old in file.parent.glob("completion-*.json"):
            old.unlink()
        file.write_text(json.dumps(table), encoding="utf-8")
    return table


def sources_key() -> str:
    """Return a digest of when what is completed last changed: the sources, and what is installed."""
    package, installed = Path(skiprun.__file__).parent, Path(completion_init.__code__.co_filename).parents[1]
    digest = blake2b(f"{skiprun.__version__} {installed.stat().st_mtime_ns}".encode(), digest_size=8)
    for wing in WINGS:
        for folder, _, names in os.walk(package / wing):
            if not folder.endswith("__pycache__"):
                newest = max((Path(folder, name).stat().st_mtime_ns for name in names), default=0)
                digest.update(f"{folder} {len(names)} {newest}".encode())
    return digest.hexdigest()
