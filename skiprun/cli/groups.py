"""Command groups: one that has a command for each study, and those that list by default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from skiprun.registry.declarations import Declaration


LAWS = "skiprun.studies.theory."  # on networks of their own
WHOLE = 10_000  # characters, so that no sentence is cut


class ListByDefault(TyperGroup):
    """Reads `skiprun models 'resnet*'` as `skiprun models list 'resnet*'`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `list` before arguments that begin with no command."""
        if "--help" not in args and (not args or args[0] not in self.commands):
            args = ["list", *args]
        return super().parse_args(ctx, args)


def split_imports(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what each --import names, and the other arguments."""
    plugins, rest, words = list[str](), list[str](), iter(args)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word == "--import" or word.startswith("--import="):
            plugins.append(word.partition("=")[2] or next(words, ""))
        else:
            rest.append(word)
    return plugins, rest


class WithStudies(TyperGroup):
    """The application's commands, and one for each study, known by their sources until one is called."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take --import from wherever it stands, so that what it imports is known to every command."""
        plugins, rest = split_imports(args)
        if plugins and not ctx.resilient_parsing:
            from skiprun.experiment.plugins import import_plugin

            for plugin in plugins:
                import_plugin(plugin)
        return super().parse_args(ctx, rest)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands and studies."""
        self._add_studies()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by name; studies are looked up only where no other command has it."""
        if cmd_name not in self.commands:
            self._add_studies()
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, the studies of networks and those of laws apart, with whole sentences."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            part = command.part if isinstance(command, ListedStudy) else "Commands"
            found.setdefault(part, []).append((name, command.get_short_help_str(limit=WHOLE)))
        for part, rows in found.items():
            with formatter.section(part):
                formatter.write_dl(rows)

    def _add_studies(self) -> None:
        from skiprun.registry import STUDIES
        from skiprun.registry.declarations import declarations

        for name, declaration in declarations(STUDIES).items():
            self.commands.setdefault(name, ListedStudy(name, declaration))


class ListedStudy(TyperCommand):
    """The command of a study before it is called: its name and a line of help."""

    def __init__(self, name: str, declaration: Declaration) -> None:
        super().__init__(name, help=declaration.summary)
        self.declaration = declaration

    @property
    def part(self) -> str:
        """The heading below which the application lists it."""
        return "Studies of laws" if LAWS in self.declaration.module else "Studies of networks"

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Let the command that is made of the study's signature read the arguments."""
        import importlib

        from skiprun.cli.study_command import study_command
        from skiprun.cli.study_source import UNREAD, declared_study
        from skiprun.registry import STUDIES

        try:
            study = declared_study(info_name, self.declaration)
        except UNREAD:
            importlib.import_module(self.declaration.module)
            study = STUDIES[info_name]
        return study_command(study, self.declaration.module).make_context(info_name, args, parent, **extra)
