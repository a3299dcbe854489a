"""Command groups: one that has a command for each study, and those that list by default."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class ListByDefault(TyperGroup):
    """Reads `skiprun models 'resnet*'` as `skiprun models list 'resnet*'`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--help" not in args and (not args or args[0] not in self.commands):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class WithStudies(TyperGroup):
    """The commands of the application, and one for each study, which are known by their sources until one is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        self._add_studies()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            self._add_studies()
        return super().get_command(ctx, cmd_name)

    def _add_studies(self) -> None:
        from skiprun.registry import STUDIES

        for name, (module, summary) in STUDIES.listed().items():
            self.commands.setdefault(name, ListedStudy(name, module, summary))


class ListedStudy(TyperCommand):
    """The command of a study before it is called: its name and a line of help."""

    def __init__(self, name: str, module: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self.module = module

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Import the study, and let the command that is made of it read the arguments."""
        import importlib

        from skiprun.cli.study_command import study_command
        from skiprun.registry import STUDIES

        importlib.import_module(self.module)
        return study_command(STUDIES[info_name]).make_context(info_name, args, parent, **extra)
