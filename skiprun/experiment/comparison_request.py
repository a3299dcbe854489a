"""What is to be compared, and under which protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.experiment.sweeps.arms import keys_of_grid
from skiprun.results.size_match import SizeKind
from skiprun.run import RUNS


@dataclass(frozen=True)
class ComparisonRequest:
    """What is to be compared, and under which protocol.

    Attributes:
        names: architectures, also with options as `resnet56:connection=highway`; YAML files; run directories.
        protocol: the YAML file whose data, optimizer and schedule all architectures share; default: digits.
        overrides: `section.key=value` for all that is trained.
        seeds: train seeds 0..n-1; None: the seed of each config.
        runs: the folder of all runs.
        root: where the data of runs that go on is now; None: where it was.
        prefix: what the names of new runs begin with; None: the protocol's name, for architectures.
        grid: `section.key=value,value`; every name is trained with every combination.
        match: what is made as large as in the first network, by the widths of the others; None: nothing.
        allow: keys in which runs may differ beside the model.
        folds: divide all images into so many folds, each of which a seed tests; None: as the configs say.
    """

    names: Sequence[str]
    protocol: Path | None = None
    overrides: Sequence[str] = ()
    seeds: int | None = None
    runs: Path = RUNS
    root: Path | str | None = None
    prefix: str | None = None
    grid: Sequence[str] = ()
    match: SizeKind | None = None
    allow: Sequence[str] = ()
    folds: int | None = None

    @property
    def may_differ(self) -> list[str]:
        """The keys in which runs may differ."""
        return [*self.allow, *keys_of_grid(self.grid)]
