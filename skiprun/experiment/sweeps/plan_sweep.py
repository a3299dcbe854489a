"""Plan a sweep: the runs of each arm, in the folder of the sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.config import Count, RunConfig
from skiprun.config.sweep import SweepConfig
from skiprun.errors import InputError
from skiprun.experiment.commands import write_commands
from skiprun.experiment.planned import Planned, plan_seeds
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.start_weights import with_weights_found
from skiprun.experiment.sweeps.arms import Arm, list_arms, refuse_no_experiment, refuse_varied
from skiprun.experiment.sweeps.sweep_file import load_sweep, varied_config
from skiprun.run import RUNS, refuse_one_place
from skiprun.system.arguments import checked_arguments


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

    def commands(self) -> list[str]:
        """Return a command line for each run that is missing, see `write_commands`.

        Raises:
            InputError: it halves, so who goes on is decided by what came of the others.
        """
        if self.asked.halving:
            raise InputError(
                f"--print-commands: {self.asked.place('halving')} asks for runs as it sees what came of "
                "others; leave it out."
            )
        return write_commands(self.every, self.folder)


@checked_arguments
def plan_sweep(
    path: Path | str,
    *,
    overrides: Sequence[str] = (),
    seeds: Count | None = None,
    halving: bool = False,
    runs: Path | str = RUNS,
    name: str | None = None,
) -> SweepPlan:
    """Return what a sweep consists of.

    Args:
        path: the sweep file, see `skiprun.config.sweep`.
        overrides: `section.key=value` for all arms.
        seeds: of each arm, in place of the file's.
        halving: stop hopeless arms early, by default where the file does not say how.
        runs: the folder of all runs; these lie in its `sweeps/<name>/`.
        name: of the sweep, in place of the file's.

    Raises:
        InputError: the file says no sweep, or overrides say what it varies.
    """
    path, runs = Path(path).expanduser(), Path(runs)
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
