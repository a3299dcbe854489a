"""Cross-validation: a run for each fold, which its seed says."""

from __future__ import annotations

from collections.abc import Sequence

from skiprun.config import RunConfig
from skiprun.errors import InputError
from skiprun.experiment.named import shortened


def cross_validated(config: RunConfig, folds: int | None) -> RunConfig:
    """Return an experiment whose images are divided into folds, under a name that says so; None: as it is."""
    if folds is None or config.data.folds == folds:
        return config
    data = config.to_dict()["data"] | {"folds": folds}
    return config.replace(name=shortened(f"{config.name}-{folds}fold"), data=data)


def seeds_for(folds: int | None, seeds: int | None) -> int | None:
    """Return how many seeds test every fold as often; what was asked for where there are no folds.

    Raises:
        InputError: some folds would be tested more often than others.
    """
    if folds is not None and seeds is not None and seeds % folds:
        raise InputError(
            f"--seeds {seeds}: each seed tests one of {folds} folds; give {folds}, {2 * folds}, ... or leave "
            "it out, so that every image is tested as often."
        )
    return seeds or folds


def each_fold(configs: Sequence[RunConfig], folds: int | None) -> list[RunConfig]:
    """Return the runs of some experiments that test every fold once; None: the experiments as they are."""
    if folds is None:
        return [*configs]
    return [cross_validated(each, folds).replace(seed=seed) for each in configs for seed in range(folds)]
