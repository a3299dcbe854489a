"""A command that lists by default and has further commands below it: `skiprun runs`, `skiprun runs show RUN`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class ListByDefault(TyperGroup):
    """Reads `skiprun models 'resnet*'` as `skiprun models list 'resnet*'`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--help" not in args and (not args or args[0] not in self.commands):
            args = ["list", *args]
        return super().parse_args(ctx, args)
