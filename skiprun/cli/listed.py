"""A command before it is called: known by its source, imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand

from skiprun.infos import StudyInfo
from skiprun.registry import STUDIES, Entry
from skiprun.registry.declarations import Declaration, definitions_of, summary_line

LAWS = "skiprun.studies.theory."  # on networks of their own
WHOLE = 10_000  # characters, so that no sentence is cut


class Listed(TyperCommand):
    """The command of a function; a `-` in its name is a `_` in the function's."""

    part = "Commands"

    def __init__(self, name: str, module: str, example: str = "", cls: type[TyperCommand] = TyperCommand):
        super().__init__(name)
        self.module, self.function = f"skiprun.cli.{module}", name.replace("-", "_")
        self.example, self.cls = example, cls

    def sentence(self) -> str:
        """Return the first sentence of its help, for a listing."""
        return TyperCommand(self.name, help=self.summary()).get_short_help_str(limit=WHOLE)

    def summary(self) -> str:
        """Return the first line of the function's docstring, read from its source."""
        return next(summary_line(each) for each in definitions_of(self.module) if each.name == self.function)

    def whole(self) -> Any:
        """Import the command, and return it with its help, arguments and options."""
        function = getattr(importlib.import_module(self.module), self.function)
        return command_of(function, str(self.name), self.example, self.cls)


class ListedGroup(Listed):
    """Commands below a name: those of the `app` of a module, where other modules may enter more."""

    def __init__(self, name: str, module: str, *others: str):
        super().__init__(name, module)
        self.others = others

    def whole(self) -> Any:
        """Import the commands, and return them as a group."""
        for other in self.others:
            importlib.import_module(f"skiprun.cli.{other}")
        return typer.main.get_command(importlib.import_module(self.module).app)


class ListedStudy(Listed):
    """The command of a study, made of what its source declares."""

    def __init__(self, name: str, declaration: Declaration):
        super().__init__(name, "study_command")
        self.declaration = declaration
        self.part = "Studies of laws" if LAWS in declaration.module else "Studies of networks"

    def summary(self) -> str:
        """Return the first line of the study's docstring."""
        return self.declaration.summary

    def whole(self) -> Any:
        """Return the command; the study's module is imported where its source does not tell all."""
        from skiprun.cli.study_command import study_command
        from skiprun.cli.study_source import UNREAD, declared_study

        try:
            study = declared_study(str(self.name), self.declaration)
        except UNREAD:
            importlib.import_module(self.declaration.module)
            study = STUDIES[str(self.name)]
        return study_command(study, self.declaration.module)


class ImportedStudy(Listed):
    """The command of a study whose source does not declare it, as one that a plug-in registers in a loop."""

    part = "Studies of networks"

    def __init__(self, study: Entry[Any, StudyInfo]):
        super().__init__(study.name, "study_command")
        self.study = study

    def summary(self) -> str:
        """Return the first line of the study's docstring."""
        return self.study.summary

    def whole(self) -> Any:
        """Return the command."""
        from skiprun.cli.study_command import study_command

        return study_command(self.study, self.study.module)


def command_of(
    function: Callable[..., None],
    name: str,
    example: str,
    cls: type[TyperCommand] = TyperCommand,
    help: str | None = None,
) -> Any:
    """Return the command of a function, with an example below its help."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=cls, help=help, epilog=f"Example: skiprun {name} {example}".rstrip())(function)
    return typer.main.get_command(app)
