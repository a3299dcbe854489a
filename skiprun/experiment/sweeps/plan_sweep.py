"""Plan a sweep: the runs of each arm, in the folder of the sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config.sweep import SweepConfig
from skiprun.experiment.plan import plan_seeds
from skiprun.experiment.planned import Planned
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.start_weights import with_weights_found
from skiprun.experiment.sweeps.arms import Arm, list_arms, refuse_no_experiment, refuse_varied
from skiprun.experiment.sweeps.sweep_file import load_sweep, varied_config
from skiprun.run import refuse_one_place


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep consists of.

    Attributes:
        asked: what its file says.
        folder: of its runs.
        arms: by label.
        runs: of each arm, by its label.
    """

    asked: SweepConfig
    folder: Path
    arms: Mapping[str, Arm]
    runs: Mapping[str, Sequence[Planned]]

    @property
    def every(self) -> list[Planned]:
        """The runs of all arms."""
        return [item for items in self.runs.values() for item in items]


def plan_sweep(
    path: Path, overrides: Sequence[str], seeds: int | None, halving: bool, runs: Path, name: str | None
) -> SweepPlan:
    """Return what a sweep consists of; see `skiprun.experiment.sweeps.sweep`."""
    asked = load_sweep(path, name, seeds, halving)
    refuse_varied(asked, overrides)
    refuse_no_experiment({key: asked.place(own) for key, own in asked.keys.items()})
    folder, arms = runs / "sweeps" / str(asked.name), {arm.label: arm for arm in list_arms(asked)}
    configs = {label: varied_config(asked, path, [*overrides, *arm.overrides]) for label, arm in arms.items()}
    planned = {
        label: plan_arm(arm, with_weights_found(with_plugins(configs[label]), runs), asked.seeds, folder)
        for label, arm in arms.items()
    }
    plan = SweepPlan(asked, folder, arms, planned)
    refuse_one_place((item.label, item.config) for item in plan.every if item.config)
    return plan


def plan_arm(arm: Arm, config: RunConfig, seeds: int, folder: Path) -> list[Planned]:
    """Return the runs of an arm, one a seed."""
    return plan_seeds(arm.label, arm.label, config.replace(name=arm.name), seeds, folder)
