"""The protocol of a comparison: settings that its runs share, settings that differ, and their machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from skiprun.config import Role, role_of
from skiprun.results.groups import Group
from skiprun.results.records import epoch_rows

# What a run was computed with, as its summary says; a config leaves these to the machine.
CONDITIONS = {"device": "device", "threads": "number of threads", "precision": "precision"}
# Keys of execution that the summary says better, or that cost no time of a step.
WHERE = ("compute.device", "compute.threads", "data.root", "data.download", "model.download_weights")


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


def _is_any(key: str, names: Iterable[str]) -> bool:
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
    tables = {"one": settings(one.first.config), "other": settings(other.first.config)}
    return [key for key in split_by_agreement(tables)[1] if not _is_any(key, meant)]


def why_not_comparable(groups: Sequence[Group]) -> tuple[str, ...]:
    """Say why groups cannot be ranked against each other; nothing where they can."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for group in groups:
        kinds.setdefault(group.data, []).append(group.label)
    if len(kinds) < 2:
        return ()
    names = {kind[:3] for kind in kinds}
    if len(names) < 2:
        why = f"all are scored on {groups[0].data[0]}, but its contents or its split differ (fingerprint)"
    else:
        why = "they were scored on different data"
    who = "; ".join(f"{kind[0]} ({kind[3][:8]}): {', '.join(labels)}" for kind, labels in kinds.items())
    return (f"Not ranked: {why}. {who}.",)


def cautions(groups: Sequence[Group], protocol: Protocol) -> tuple[str, ...]:
    """Say what else than the model is unequal, in so far as it can move a result."""
    found = [
        f"{key} differs between the groups: " + "; ".join(f"{label} {value}" for label, value in values.items()) + "."
        for key, values in protocol.differing.items()
        if not key.startswith("model.")
    ]
    found += [
        f"The config of {group.label} cannot be read ({group.first.message})."
        for group in groups
        if not group.first.config
    ]
    found += [text for group in groups for text in _unequal_seeds(group)]
    found += _lost_seeds(groups)
    found += [
        f"The test split of {run.run.name} was scored {run.number('test_scored'):g} times, as the run was made longer."
        for group in groups
        for run in group.runs
        if run.number("test_scored", 1) > 1
    ]
    found += [
        f"No curves of {run.run.name}: its metrics.jsonl is missing or damaged."
        for group in groups
        for run in group.runs
        if next(epoch_rows(run.run), None) is None
    ]
    return (*found, *_unequal_conditions(groups))


def _unequal_seeds(group: Group) -> list[str]:
    """Say which keys differ between the seeds of one group: its spread is then not the seeds' alone."""
    tables = {run.run.name: settings(run.config) for run in group.runs if run.config}
    keys = list(split_by_agreement(tables)[1])
    found = [f"The seeds of {group.label} differ in {', '.join(keys)}."] if keys else []
    if len({run.text("data.fingerprint") for run in group.runs}) > 1:
        found.append(f"The seeds of {group.label} saw different data or splits.")
    return found


def _lost_seeds(groups: Sequence[Group]) -> list[str]:
    """Say which groups lack seeds that others have."""
    seeds = {group.label: {run.seed for run in group.runs} for group in groups}
    every = set().union(*seeds.values())
    lacking = {label: sorted(every - found) for label, found in seeds.items()}
    return [
        f"{label} lacks seed{'s' * (len(missing) > 1)} {', '.join(map(str, missing))}, which others have; where seeds "
        "are paired, the others count."
        for label, missing in lacking.items()
        if missing
    ]


def _unequal_conditions(groups: Sequence[Group]) -> list[str]:
    """Say which conditions of computing differ, since images/s cannot be compared across them."""
    runs = [run for group in groups for run in group.runs]
    unequal = [words for key, words in CONDITIONS.items() if len({run.text(key) for run in runs}) > 1]
    ways = {
        run.run.name: {k: v for k, v in run.config.items() if role_of(k) is Role.EXECUTION}
        for run in runs
        if run.config
    }
    unequal += [key for key in split_by_agreement(ways)[1] if key not in WHERE]
    return [f"images/s cannot be compared: the runs differ in {', '.join(unequal)}."] if unequal else []


def machines(groups: Sequence[Group]) -> dict[str, dict]:
    """Return commands by run, and what the latest session of every run agrees on or not of the machine."""
    latest = {run.run.name: run.sessions[-1] for group in groups for run in group.runs if run.sessions}
    shared, differing = split_by_agreement(
        {name: {k: v for k, v in session.items() if k not in ("command", "time")} for name, session in latest.items()}
    )
    commands: dict[str, list[str]] = {}
    for name, session in latest.items():
        if "command" in session:
            commands.setdefault(_command(session["command"]), []).append(name)
    return {"commands": commands, "shared": shared, "differing": differing}


def _command(command: object) -> str:
    return " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command)
