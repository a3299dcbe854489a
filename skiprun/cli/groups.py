"""Command groups: the application, which has a command for each study, and those that list by default."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from typer.core import TyperGroup

from skiprun.cli.commands import COMMANDS
from skiprun.cli.listed import ImportedStudy, ListedStudy
from skiprun.registry import STUDIES
from skiprun.registry.declarations import declarations


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


class Application(TyperGroup):
    """The commands, and one for each study: known by their sources, and imported when they are called."""

    commands: MutableMapping[str, Any]  # each is Listed

    def __init__(self, **said: Any) -> None:
        super().__init__(**said)
        self.commands.update({str(each.name): each for each in COMMANDS})

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
        """Return a command by name, imported; studies are looked up only where no other command has it."""
        if cmd_name not in self.commands:
            self._add_studies()
        listed: Any = super().get_command(ctx, cmd_name)
        return listed and listed.whole()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, the studies of networks and those of laws apart, with whole sentences."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            listed = self.commands[name]
            found.setdefault(listed.part, []).append((name, listed.sentence()))
        for part, rows in found.items():
            with formatter.section(part):
                formatter.write_dl(rows)

    def _add_studies(self) -> None:
        for name, declaration in declarations(STUDIES).items():
            self.commands.setdefault(name, ListedStudy(name, declaration))
        for study in STUDIES.entries.values():
            self.commands.setdefault(study.name, ImportedStudy(study))
