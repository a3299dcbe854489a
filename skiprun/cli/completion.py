"""Completion in a shell: commands, options, runs, config keys, architectures, templates, studies, claims.

What can be typed is kept as a table in the user's cache, so that a word comes at once. It is made of the
commands themselves, when there is none or the sources have changed, which takes a few seconds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypedDict

from typer.completion import completion_init  # type: ignore[attr-defined]
from typer.core import TyperCommand

import skiprun
from skiprun.errors import StorageError
from skiprun.system.cache import cache_folder

VARIABLE = "_SKIPRUN_COMPLETE"
WINGS = ("cli", "config", "connections", "models", "studies", "claims", "protocols")
Found = Iterator[tuple[str, str]]  # words, each with what it means


class Parameter(TypedDict):
    """An option or an argument: whether a value follows, of which kinds it is, and what it means."""

    takes: bool
    kinds: list[str]
    help: str


class Words(TypedDict):
    """What can be typed behind a command; a group has commands of its own."""

    help: str
    commands: dict[str, Words]
    options: dict[str, Parameter]
    arguments: list[Parameter]


class Table(TypedDict):
    """What can be typed: behind the program, and as a value of each kind that no folder decides."""

    root: Words
    values: dict[str, list[str]]


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


def candidates(table: Table, args: Sequence[str], incomplete: str) -> Found:
    """Yield what the word at the cursor may become, behind the words before it."""
    here, rest = table["root"], [*args]
    while here["commands"] and (name := next((word for word in rest if word in here["commands"]), None)):
        here, rest = here["commands"][name], rest[rest.index(name) + 1 :]
    option = here["options"].get(rest[-1] if rest else "")
    if option and option["takes"]:
        yield from beginning(incomplete, values_of(table, option["kinds"], rest, incomplete))
    elif incomplete.startswith("-"):
        yield from beginning(incomplete, ((name, each["help"]) for name, each in here["options"].items()))
    else:
        found = [*beginning(incomplete, positional(table, here, rest, incomplete))]
        if not found and incomplete and "--set" in here["options"]:  # KEY=VALUE may stand alone
            found = [*beginning(incomplete, values_of(table, ["KEY"], rest, incomplete))]
        yield from found


def beginning(incomplete: str, found: Iterable[tuple[str, str]]) -> Found:
    """Yield the words that begin so."""
    yield from (each for each in found if each[0].startswith(incomplete))


def positional(table: Table, here: Words, rest: Sequence[str], incomplete: str) -> Found:
    """Yield the commands of a group, or the values of the argument whose turn it is."""
    yield from ((name, each["help"]) for name, each in here["commands"].items())
    given = [word for index, word in enumerate(rest) if not _is_of_option(here, rest, index)]
    if arguments := here["arguments"]:
        kinds = arguments[min(len(given), len(arguments) - 1)]["kinds"]
        yield from values_of(table, kinds, rest, incomplete)


def _is_of_option(here: Words, rest: Sequence[str], index: int) -> bool:
    """Tell whether a word is an option, or the value of the one before it."""
    before = here["options"].get(rest[index - 1]) if index else None
    return rest[index].startswith("-") or bool(before and before["takes"])


def values_of(table: Table, kinds: Sequence[str], rest: Sequence[str], incomplete: str) -> Found:
    """Yield the values of some kinds: those of the table, runs that are there, or the words themselves."""
    for kind in kinds:
        if kind == "RUN":
            yield from ((name, "") for name in run_names(runs_folder(rest), incomplete))
        elif kind == "FILE":
            yield from ((name, "") for name in files(incomplete))
        elif kind in table["values"]:
            yield from ((word, "") for word in table["values"][kind])
        else:
            yield kind, ""


def runs_folder(rest: Sequence[str]) -> Path:
    """Return the folder of all runs that the line names, or the usual one."""
    named = [rest[index + 1] for index, word in enumerate(rest[:-1]) if word == "--runs"]
    return Path([os.environ.get("SKIPRUN_RUNS", "runs"), *named][-1]).expanduser()


def run_names(folder: Path, incomplete: str) -> Iterator[str]:
    """Yield the experiments of a folder, and behind a / their seeds."""
    name, slash, _ = incomplete.rpartition("/")
    if slash:
        yield from (f"{name}/{each.parent.name}" for each in seeds_in(folder / name))
    else:
        yield from (each.name for each in sorted(folder.glob("*")) if seeds_in(each))


def seeds_in(folder: Path) -> list[Path]:
    """Return the config of each seed of an experiment."""
    return sorted(folder.glob("seed-*/config.yaml"))


def files(incomplete: str) -> Iterator[str]:
    """Yield the YAML files and folders that begin so."""
    before, slash, start = incomplete.rpartition("/")
    for path in sorted(Path(before + slash).expanduser().glob("*")):
        if path.name.startswith(start) and (path.is_dir() or path.suffix in (".yaml", ".yml")):
            yield f"{before}{slash}{path.name}{'/' * path.is_dir()}"
