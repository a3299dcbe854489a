"""The command line looked at without running it."""

from __future__ import annotations

import re
from typing import Any

from typer.main import get_command

from skiprun.cli.app import app
from skiprun.cli.groups import ListedStudy
from tests.support.pages import Command


def read(words: list[str]) -> Any:
    """Let the command line read a command without running it: command, arguments, options must exist."""
    command, context, arguments = get_command(app), None, words[1:]
    while True:
        context = command.make_context(command.name, list(arguments), parent=context)
        if not hasattr(command, "resolve_command"):
            return context
        _, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])


def unknown_options(command: Command) -> set[str]:
    """Return the options of a command that it does not have; names of arguments may be placeholders."""
    found: Any = get_command(app)
    context, words = None, command.words[1:]
    while words and hasattr(found, "resolve_command") and not words[0].startswith("-"):
        context = found.context_class(found, parent=context)
        inner = found.get_command(context, words[0])
        if inner is None and found.name in ("models", "studies", "runs"):  # they list by default
            inner = found.get_command(context, "list")
        assert inner is not None, command
        found, words = inner, words[1:]
    known = {option for parameter in full(found).params for option in parameter.opts}
    return {word for word in words if re.match(r"--?[a-z]", word)} - known - {"--help"}


def full(command: Any) -> Any:
    """Return a command with its parameters; that of a study is made when it is called."""
    if not isinstance(command, ListedStudy):
        return command
    from skiprun.cli.study_command import study_command
    from skiprun.registry import STUDIES

    return study_command(STUDIES[command.name], command.declaration.module)
