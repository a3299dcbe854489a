"""Options that travel together: a dataclass that several commands take as one argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Any, get_type_hints

from skiprun.cli.options import (
    RUNS,
    Device,
    Jobs,
    Json,
    OtherData,
    PrintCommands,
    Quiet,
    Ray,
    Root,
    RunsFolder,
    Set,
    overrides,
)
from skiprun.cli.terminal import loading, people
from skiprun.display.board import Board
from skiprun.display.loading import Loading

if TYPE_CHECKING:  # it imports torch
    from skiprun.experiment import Launcher


@dataclass(frozen=True)
class ConfigOptions:
    """What is changed of a config."""

    set_: Set = None
    root: Root = None
    device: Device = None

    def overrides(self, given: list[str] | None) -> list[str]:
        """Return the overrides that were `given` as KEY=VALUE, and those that have an option of their own."""
        return overrides(given, self.device, self.root)


@dataclass(frozen=True)
class DataOptions:
    """Where the data of runs is, and where it is looked at."""

    root: Root = None
    other_data: OtherData = False
    device: Device = None


@dataclass(frozen=True)
class OutputOptions:
    """Where runs are kept, and what is printed."""

    runs: RunsFolder = RUNS
    json: Json = False
    quiet: Quiet = False

    @property
    def silent(self) -> bool:
        """Whether nobody reads what is done meanwhile."""
        return self.quiet or self.json

    @property
    def loading(self) -> Loading | None:
        """Who is told while data is prepared."""
        return None if self.silent else loading


@dataclass(frozen=True)
class LaunchOptions:
    """How several runs are trained, or that others are to train them."""

    jobs: Jobs = None
    ray: Ray = None
    print_commands: PrintCommands = False

    @contextmanager
    def launcher(self, output: OutputOptions) -> Iterator[Launcher]:
        """Return what trains runs, with a board that shows how far they are."""
        from skiprun.experiment import Launcher

        with Board(people, output.silent) as board:
            yield Launcher(self.jobs, self.ray, board.row, output.loading)


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command as typer reads it: for a dataclass it takes, there is an option for each field."""
    own = inspect.signature(command, eval_str=True).parameters
    groups = {name: group for name, each in own.items() if (group := group_of(each))}

    @functools.wraps(command)
    def run(**given: object) -> None:
        made = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**given, **made)

    flat = [
        option
        for name, each in own.items()
        for option in (options_of_group(groups[name]) if name in groups else [by_keyword(each)])
    ]
    run.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in flat}
    return run


def options_of_group(group: type[Any]) -> list[Parameter]:
    """Return a parameter for each field of a dataclass of options, as typer passes it."""
    hints = get_type_hints(group, include_extras=True)
    own = inspect.signature(group).parameters.values()
    return [by_keyword(each.replace(annotation=hints[each.name])) for each in own]


def group_of(parameter: Parameter) -> type[Any] | None:
    """Return the dataclass of options that a parameter of a command is, or None."""
    annotation = parameter.annotation
    return annotation if isinstance(annotation, type) and is_dataclass(annotation) else None


def by_keyword(parameter: Parameter) -> Parameter:
    """Return a parameter as typer passes it."""
    return parameter.replace(kind=Parameter.KEYWORD_ONLY)
