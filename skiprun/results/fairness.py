"""Is it a controlled experiment? What differs between the runs of a comparison beside the model.

A difference that nobody meant is the commonest reason for a difference in scores. It is refused, unless it is
said to be meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skiprun.errors import InputError
from skiprun.results.groups import Group
from skiprun.results.protocol import config_differences, is_any
from skiprun.results.records import RunRecord

Differences = dict[str, dict[str, object]]  # by key: its value by the name of the run or network
# Of a session, what can move a number; of a summary, what it was computed on.
VERSIONS = ("torch", "skiprun")
CONDITIONS = ("device", "precision")
CONTENT = "data.fingerprint"


def group_differences(groups: Sequence[Group]) -> Differences:
    """Return in what the finished runs of some networks differ beside the model and the seed."""
    runs = {run.run.name: run for group in groups for run in group.runs}
    found = config_differences({name: run.config for name, run in runs.items() if run.config})
    said = {name: _conditions(run) for name, run in runs.items()}
    found |= _data_differences(groups)
    for key in (*CONDITIONS, *VERSIONS):
        values = {name: each[key] for name, each in said.items() if each[key] is not None}
        if len(set(map(str, values.values()))) > 1:
            found[key] = values
    return found


def _data_differences(groups: Sequence[Group]) -> Differences:
    """Return the data of all runs if they differ; of folds, that of the first seed for which they do."""
    runs = [run for group in groups for run in group.runs if run.summary.get(CONTENT) is not None]
    folds = any(group.folds for group in groups)
    for seed in dict.fromkeys(run.seed if folds else None for run in runs):
        values = {run.run.name: run.summary[CONTENT] for run in runs if seed in (None, run.seed)}
        if len(set(map(str, values.values()))) > 1:
            return {"data": values}
    return {}


def _conditions(run: RunRecord) -> dict[str, object]:
    """Return versions, device and precision of a run, None for what it does not say."""
    latest = run.sessions[-1] if run.sessions else {}
    return {key: latest.get(key) for key in VERSIONS} | {key: run.summary.get(key) for key in CONDITIONS}


def refuse_unfair(found: Differences, allowed: Sequence[str]) -> None:
    """Refuse differences that are not allowed.

    Args:
        found: the differences.
        allowed: keys that may differ; of a section all do, by its name.

    Raises:
        InputError: with every difference, and how to say that it is meant.
    """
    meant = [*allowed, *(f"{section}." for section in allowed)]
    rest = {key: values for key, values in found.items() if not is_any(key, meant)}
    if not rest:
        return
    lines = [f"  {key}: {_by_value(values)}" for key, values in rest.items()]
    way_out = " ".join(f"--allow {key}" for key in rest)
    raise InputError(
        "More than the model differs, so a difference in scores would say nothing of it:\n"
        + "\n".join(lines)
        + f"\nMake the runs alike, or say that it is meant: {way_out}"
    )


def _by_value(values: Mapping[str, object]) -> str:
    """Return each value with the first of its runs."""
    names: dict[str, list[str]] = {}
    for name, value in values.items():
        names.setdefault(str(value)[:40], []).append(name)
    shown = [
        f"{value} ({runs[0]}{f' and {len(runs) - 1} more' if len(runs) > 1 else ''})"
        for value, runs in names.items()
    ]
    return "; ".join(shown)
