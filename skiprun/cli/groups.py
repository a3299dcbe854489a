"""Command groups that list by default: `skiprun runs` lists, `skiprun runs show RUN` is a subcommand."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class ListByDefault(TyperGroup):
    """Reads `skiprun models 'resnet*'` as `skiprun models list 'resnet*'`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--help" not in args and (not args or args[0] not in self.commands):
            args = ["list", *args]
        return super().parse_args(ctx, args)
