"""A network under study: a run with its data, or an architecture with fresh weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.experiment.data_place import config_with_data
from skiprun.experiment.start_weights import with_weights_found
from skiprun.run import Run

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class StudyTarget:
    """One network under study.

    Attributes:
        label: what it is called in tables and figures.
        configs: one for each seed.
        runs: where its weights are, one for each seed; none for a network as it is drawn.
        shape: channels, height, width of random normal images to look at; None: the configs' dataset.
        other_data: look at data that is not a run's own, too.
    """

    label: str
    configs: tuple[RunConfig, ...]
    runs: tuple[Run, ...] = ()
    shape: Shape | None = None
    other_data: bool = False


@dataclass(frozen=True)
class DataPlace:
    """Where the data of runs is looked for.

    Attributes:
        root: its folder; None: where it was.
        other_data: whether it may be other data than a run was trained on.
    """

    root: Path | None = None
    other_data: bool = False

    def target(self, label: str, found: Sequence[Run], shape: Shape | None = None) -> StudyTarget:
        """Return runs, one a seed, as a target."""
        given = [run.config if shape else config_with_data(run, self.root) for run in found]
        homes = [run.path.parent.parent for run in found]
        configs = tuple(with_weights_found(*each) for each in zip(given, homes, strict=True))
        return StudyTarget(label, configs, tuple(found), shape, self.other_data)


HERE = DataPlace()
