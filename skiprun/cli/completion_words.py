"""What a word at the cursor may become: commands, options, runs, config keys, architectures, files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypedDict

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
