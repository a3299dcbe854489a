"""What keeps groups of runs from being ranked, and what else is unequal between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skiprun.config import Role, role_of
from skiprun.errors import counted
from skiprun.results.groups import Group
from skiprun.results.protocol import MODEL, Protocol, is_any, settings, split_by_agreement
from skiprun.results.records import RunRecord, epoch_rows

# What a run was computed with, as its summary says; a config leaves these to the machine.
CONDITIONS = {"device": "device", "threads": "number of threads", "precision": "precision"}
# Keys of execution that the summary says better, or that cost no time of a step.
WHERE = ("compute.device", "compute.threads", "data.root", "data.download", "model.download_weights")


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
        f"{key} differs between the groups: "
        + "; ".join(f"{label} {value}" for label, value in values.items())
        + "."
        for key, values in protocol.differing.items()
        if not _is_of_the_model(key, values)
    ]
    found += [
        f"The config of {group.label} cannot be read ({group.first.message})."
        for group in groups
        if not group.first.config
    ]
    found += [
        f"Of {run.run.name}, {run.message}."
        for group in groups
        for run in group.runs
        if run.message and run.config
    ]
    found += [text for group in groups for text in (*_unequal_seeds(group), *_held_sources(group))]
    found += _lost_seeds(groups)
    found += [text for group in groups for text in _stopped_early(group)]
    found += [
        f"The test split of {run.run.name} was scored {run.number('test_scored'):g} times, "
        "as the run was made longer."
        for group in groups
        for run in group.runs
        if run.number("test_scored", 1) > 1
    ]
    found += [text for group in groups for run in group.runs for text in _damaged_curves(run)]
    return (*found, *_unequal_conditions(groups))


def _is_of_the_model(key: str, values: Mapping[str, object]) -> bool:
    """Tell whether a key says what a network is; a plug-in with two contents does more than that."""
    contents = {*values.values()} - {None} if key.startswith("imported.") else ()
    return is_any(key, MODEL) and len(contents) < 2


def _damaged_curves(run: RunRecord) -> list[str]:
    """Say what is wrong with the log that the curves of a finished run are drawn from."""
    if next(epoch_rows(run.run), None) is None:
        return [f"No curves of {run.run.name}: its metrics.jsonl is missing or damaged."]
    if run.summary.get("metrics_sum") in (None, run.run.metrics_sum()):
        return []
    return [f"The curves of {run.run.name} are not those of its training: metrics.jsonl was changed since."]


def _unequal_seeds(group: Group) -> list[str]:
    """Say which keys differ between the seeds of one group: its spread is then not the seeds' alone."""
    tables = {run.run.name: settings(run.config) for run in group.runs if run.config}
    keys = list(split_by_agreement(tables)[1])
    found = [f"The seeds of {group.label} differ in {', '.join(keys)}."] if keys else []
    if not group.folds and len({run.text("data.fingerprint") for run in group.runs}) > 1:
        found.append(f"The seeds of {group.label} saw different data or splits.")
    return found


def _held_sources(group: Group) -> list[str]:
    """Say which sources of randomness do not vary over the seeds of a group."""
    held = [
        source
        for source in ("init", "order", "augment")
        if all(run.config.get(f"seeds.{source}") is not None for run in group.runs)
    ]
    if len(group.runs) < 2 or not held:
        return []
    return [f"The spread of {group.label} leaves {', '.join(held)} out, which `seeds` holds over its seeds."]


def _stopped_early(group: Group) -> list[str]:
    """Say which runs of a group stopped early, and so learned for a shorter time than its config says."""
    early = [run for run in group.runs if run.stopped_early]
    if not early:
        return []
    epochs = ", ".join(f"{round(run.number('epochs'), 1):g}" for run in early)
    patience = early[0].config.get("schedule.patience")
    return [
        f"{group.label} stopped early in {len(early)} of {counted(len(group.runs), 'run')}, after {epochs} "
        f"epochs: validation was no better for {patience} (schedule.patience)."
    ]


def _lost_seeds(groups: Sequence[Group]) -> list[str]:
    """Say which groups lack seeds that others have."""
    seeds = {group.label: {run.seed for run in group.runs} for group in groups}
    every = set().union(*seeds.values())
    lacking = {label: sorted(every - found) for label, found in seeds.items()}
    return [
        f"{label} lacks seed{'s' * (len(missing) > 1)} {', '.join(map(str, missing))}, which others have; "
        "where seeds are paired, the others count."
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
