"""Train and compare named architectures, configs or runs: the controlled experiment as one function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from skiprun.claims.comparison import Comparison, compare_runs
from skiprun.config import Count
from skiprun.errors import InputError
from skiprun.experiment.many import train_missing
from skiprun.experiment.parallel import ProgressFor
from skiprun.experiment.plan import experiment_digest, plan_comparison
from skiprun.experiment.study_runner.keeping import warn_instead
from skiprun.reports.page import slug, write_comparison
from skiprun.results.fairness import config_differences, differences, refuse_unfair
from skiprun.run import RUNS, flat
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import NullProgress, ProgressCallback


@checked_arguments
def compare(
    names: Sequence[str],
    *,
    protocol: Path | str | None = None,
    overrides: Sequence[str] = (),
    seeds: Count | None = None,
    runs: Path | str = RUNS,
    root: Path | str | None = None,
    prefix: str | None = None,
    jobs: Count | None = None,
    same_within: float | None = None,
    allow: Sequence[str] = (),
    progress_for: ProgressFor = lambda _: NullProgress(),
    loading: ProgressCallback | None = None,
) -> Comparison:
    """Train what is missing under one protocol, compare all, and write the page; what `skiprun compare` does.

    Args:
        names: architectures, also with options as `resnet56:connection=highway`; YAML files; run directories.
        protocol: the YAML file whose data, optimizer and schedule all architectures share; default: digits.
        overrides: `section.key=value` for all that is trained.
        seeds: train seeds 0..n-1; None: the seed of each config.
        runs: the folder of all runs.
        root: where the data of runs that go on is now; None: where it was.
        prefix: what the names of new runs begin with; None: the protocol's name, for architectures.
        jobs: runs at once; None: see `train_missing`.
        same_within: margin of the test score within which two networks count as equivalent: points of error,
            shares of IoU; None: not asked.
        allow: keys in which runs may differ beside the model: of the config, or data, device, precision,
            torch, skiprun.
        progress_for: gives somebody to tell of the steps and epochs of a run, by its label.
        loading: told of (done, total, what) while data is prepared.

    Raises:
        InputError: two experiments would be one run, the options reach none of the names, or the runs differ
            in more than the model.
    """
    planned = plan_comparison(names, protocol, overrides, seeds, runs, root, prefix)
    if same_within is not None and not 0 < same_within < math.inf:
        raise InputError(f"--same-within: found {same_within:g}; it is a difference of scores above 0.")
    configs = {item.label: flat(item.config.to_dict()) for item in planned if item.config}
    refuse_unfair(config_differences(configs), allow)  # before anything is trained
    comparison = compare_runs(train_missing(planned, runs, progress_for, loading, jobs), same_within)
    refuse_unfair(differences(comparison.groups), allow)
    folder = Path(runs) / "comparisons" / slug(names, experiment_digest(names, planned, runs))
    report = None
    with warn_instead():
        report = write_comparison(comparison, folder)
    return replace(comparison, report=report)
