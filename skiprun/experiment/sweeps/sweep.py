"""Train the arms of a sweep, stop hopeless ones early if that is asked, and choose by validation."""

from __future__ import annotations

import logging
from functools import partial

from skiprun.claims.arm_result import ArmRuns
from skiprun.claims.sweep import Sweep, read_sweep
from skiprun.errors import counted
from skiprun.experiment.many import BY_DEFAULT, Launcher, train_missing
from skiprun.experiment.study_runner.keeping import warn_instead
from skiprun.experiment.sweeps.halving import halve, train_lasting
from skiprun.experiment.sweeps.plan_sweep import SweepPlan
from skiprun.reports.sweep import write_sweep
from skiprun.system.arguments import checked_arguments

log = logging.getLogger(__name__)


@checked_arguments
def sweep(plan: SweepPlan, launcher: Launcher = BY_DEFAULT) -> Sweep:
    """Train what is missing of a sweep, choose an arm, and write it down; what `skiprun sweep` does."""
    log.info(f"{counted(len(plan.arms), 'arm')}, {counted(len(plan.every), 'run')} in {plan.folder}.")
    train = partial(train_missing, runs=plan.folder, launcher=launcher)
    stops = halve(plan.runs, plan.asked.halving, train) if plan.asked.halving else {}
    train_lasting(
        [item for label in plan.arms if label not in stops for item in plan.runs[label]], 1.0, train
    )
    found = [
        ArmRuns(label, arm.settings, tuple(item.run for item in plan.runs[label]), stops.get(label))
        for label, arm in plan.arms.items()
    ]
    result = read_sweep(str(plan.asked.name), found, plan.folder)
    with warn_instead():
        write_sweep(result)
    return result
