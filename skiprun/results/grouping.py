"""Group the finished runs of experiments over their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skiprun.results.groups import Group
from skiprun.results.records import RunRecord


def group_by_experiment(records: Sequence[RunRecord]) -> tuple[Group, ...]:
    """Group finished runs by experiment, in the order in which the experiments first appear."""
    homes: dict[Path, list[RunRecord]] = {}
    for record in records:
        homes.setdefault(home(record.path), []).append(record)
    labels = _labels(list(homes))
    return tuple(
        Group(labels[home], tuple(sorted(runs, key=lambda run: run.seed))) for home, runs in homes.items()
    )


def home(path: Path) -> Path:
    """Return the directory that holds all seeds of a run's experiment."""
    return path.absolute().parent if path.name.startswith("seed-") else path.absolute()


def _labels(homes: Sequence[Path]) -> dict[Path, str]:
    """Name each experiment by its directory, with as many parents as it takes to tell two apart."""
    labels = {}
    for home in homes:
        ends = (home.parts[-parts:] for parts in range(1, len(home.parts) + 1))
        shortest = next(end for end in ends if sum(o.parts[-len(end) :] == end for o in homes) == 1)
        labels[home] = Path(*shortest).as_posix()
    return labels
