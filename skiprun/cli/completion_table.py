"""Make the table of what can be typed, of the commands themselves; see `skiprun.cli.completion`."""

from __future__ import annotations

import re
from typing import Any

from typer.main import get_command

from skiprun.cli.app import app
from skiprun.cli.completion_words import Parameter, Table, Words
from skiprun.cli.groups import ListByDefault

# What the words of a placeholder stand for, as the help shows it: NAME..., RUN|FILE, KEY=VALUE.
KINDS = {
    "NAME": ["model", "RUN", "FILE"],
    "CONFIG": ["model", "FILE"],
    "RUN": ["RUN"],
    "A": ["RUN"],
    "B": ["RUN"],
    "WHICH": ["RUN"],
    "PATTERN": ["model"],
    "TEMPLATE": ["template"],
    "CLAIM": ["claim"],
    "STUDY": ["study"],
    "KEY": ["KEY"],
    "SECTION": ["section"],
    "SWEEP": ["FILE"],
}


def make_table() -> Table:
    """Return what can be typed; architectures and studies are looked up once."""
    from skiprun.config.reference import keys_of
    from skiprun.config.templates import templates
    from skiprun.models.complexity.catalog import model_names
    from skiprun.registry import CLAIMS, STUDIES
    from skiprun.registry.declarations import declarations

    values = {
        "model": model_names(),
        "template": [*templates()],
        "claim": ["all", *declarations(CLAIMS)],
        "study": [*declarations(STUDIES)],
        "KEY": [f"{each.key}=" for each in keys_of() if each.decides],
        "section": [each.key for each in keys_of()],
    }
    return {"root": words_of(get_command(app)), "values": values}


def words_of(command: Any) -> Words:
    """Return what can be typed behind a command."""
    inner = {}
    if hasattr(command, "list_commands"):
        context = command.context_class(command)
        inner = {name: command.get_command(context, name) for name in command.list_commands(context)}
    listed = inner.get("list") if isinstance(command, ListByDefault) else None
    params = [*command.params, *(listed.params if listed else ())]
    return {
        "help": command.get_short_help_str(limit=80),
        "commands": {name: words_of(each) for name, each in inner.items() if not each.hidden},
        "options": {
            name: parameter(each)
            for each in params
            if each.param_type_name == "option" and not getattr(each, "hidden", False)
            for name in (*each.opts, *each.secondary_opts)
        }
        | {"--help": {"takes": False, "kinds": [], "help": "Show what there is."}},
        "arguments": [parameter(each) for each in params if each.param_type_name == "argument"],
    }


def parameter(each: Any) -> Parameter:
    """Return what is said of an option or an argument."""
    metavar = each.metavar or ""
    takes = each.param_type_name == "argument" or not each.is_flag
    return {"takes": takes, "kinds": kinds_of(metavar), "help": getattr(each, "help", None) or ""}


def kinds_of(metavar: str) -> list[str]:
    """Return the kinds that a placeholder stands for, or the words that it lists, as train|val|test."""
    if re.fullmatch(r"[a-z0-9]+(\|[a-z0-9]+)+", metavar):
        return metavar.split("|")
    named = [kind for word in re.findall(r"[A-Z]+", metavar) for kind in KINDS.get(word, [])]
    return list(dict.fromkeys(named))
