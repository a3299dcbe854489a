"""The protocol of a comparison: settings that its runs share, settings that differ, and their machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from skiprun.config import Role, role_of
from skiprun.results.groups import Group

MODEL = ("model.", "imported.")  # what a network is, by its config and by the plug-ins that define it


@dataclass(frozen=True)
class Protocol:
    """Config keys: those with one value for all groups, and those that differ, by group."""

    shared: dict[str, object]
    differing: dict[str, dict[str, object]]


def read_protocol(groups: Sequence[Group]) -> Protocol:
    """Compare the configs of the groups' first runs."""
    configs = {group.label: settings(group.first.config) for group in groups}
    shared, differing = split_by_agreement(configs)
    return Protocol(shared, differing)


def settings(config: Mapping[str, object]) -> dict[str, object]:
    """Return the keys of a config that belong to the experiment."""
    return {key: value for key, value in config.items() if role_of(key) is Role.EXPERIMENT}


def is_any(key: str, names: Iterable[str]) -> bool:
    """Tell whether a key is one of the names, or inside a section that is named with a dot at its end."""
    return any(key == name or (name.endswith(".") and key.startswith(name)) for name in names)


def split_by_agreement(
    tables: Mapping[str, Mapping[str, object]],
) -> tuple[dict[str, object], dict[str, dict[str, object]]]:
    """Return the items that all tables agree on, and the others by key and table; a missing item is None."""
    shared, differing = {}, {}
    for key in dict.fromkeys(key for table in tables.values() for key in table):
        values = {label: table.get(key) for label, table in tables.items()}
        first = next(iter(values.values()))
        if all(value == first for value in values.values()):
            shared[key] = first
        else:
            differing[key] = values
    return shared, differing


def other_differences(one: Group, other: Group, meant: Iterable[str]) -> list[str]:
    """Return the config keys in which two groups differ beyond those that are meant to."""
    return list(config_differences({"one": one.first.config, "other": other.first.config}, meant))


def config_differences(
    configs: Mapping[str, Mapping[str, object]], meant: Iterable[str] = MODEL
) -> dict[str, dict[str, object]]:
    """Return the keys of the experiment in which configs differ beyond those that are meant to, by label."""
    meant = tuple(meant)
    differing = split_by_agreement({label: settings(config) for label, config in configs.items()})[1]
    return {key: values for key, values in differing.items() if not is_any(key, meant)}


def machines(groups: Sequence[Group]) -> dict[str, dict]:
    """Return commands by run, and what the latest session of every run agrees on or not of the machine."""
    latest = {run.run.name: run.sessions[-1] for group in groups for run in group.runs if run.sessions}
    aside = ("command", "time", "data.", "weights")
    shared, differing = split_by_agreement(
        {
            name: {k: v for k, v in session.items() if not k.startswith(aside)}
            for name, session in latest.items()
        }
    )
    commands: dict[str, list[str]] = {}
    for name, session in latest.items():
        if "command" in session:
            commands.setdefault(_command(session["command"]), []).append(name)
    return {"commands": commands, "shared": shared, "differing": differing}


def _command(command: object) -> str:
    return " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command)
