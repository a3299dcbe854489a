"""A comparison from its request to its page: train what is missing, judge, write."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from skiprun.claims.comparison import Comparison, compare_runs
from skiprun.errors import InputError
from skiprun.experiment.commands import write_commands
from skiprun.experiment.comparison_request import ComparisonRequest
from skiprun.experiment.diagrams import network_diagrams
from skiprun.experiment.many import BY_DEFAULT, Launcher, train_missing
from skiprun.experiment.plan import experiment_digest, plan_comparison, plan_fairly
from skiprun.experiment.planned import Planned
from skiprun.experiment.study_runner.keeping import warn_instead
from skiprun.experiment.until_decided import MOST, add_seeds, refuse_no_looks
from skiprun.experiment.watching import page_kept_current
from skiprun.reports.comparison_files import slug, write_comparison
from skiprun.reports.seed_bands import write_seed_bands
from skiprun.results.fairness import group_differences, refuse_unfair
from skiprun.results.sequential import InterimLook
from skiprun.run import Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback


@checked_arguments
def run_comparison(
    asked: ComparisonRequest,
    same_within: float | None = None,
    until_decided: bool = False,
    launcher: Launcher = BY_DEFAULT,
    watch: bool = False,
) -> Comparison:
    """Train what is missing, compare all, and write the page; see `compare`."""
    if same_within is not None and not 0 < same_within < math.inf:
        raise InputError(f"--same-within: found {same_within:g}; it is a difference of scores above 0.")
    train = partial(train_missing, runs=asked.runs, launcher=launcher)
    judge = partial(_compare_fairly, same_within=same_within, allow=asked.may_differ)
    most = (asked.seeds or MOST) if until_decided else None
    if most and asked.folds:
        raise InputError("--until-decided adds seeds one by one, and --folds says which there are; give one.")
    if most:
        refuse_no_looks([*asked.names, *asked.grid], asked.runs, most)
        asked = replace(asked, seeds=most)
    planned, matched = plan_fairly(asked, launcher.loading)
    widths = matched.widths if matched else None

    def plan(seeds: int) -> list[Planned]:
        return plan_comparison(replace(asked, seeds=seeds), widths)

    title = [*asked.names, *asked.grid, *["until-decided"] * until_decided]
    title += [f"match-{asked.match}"] * bool(asked.match) + [f"folds-{asked.folds}"] * bool(asked.folds)
    folder = asked.runs / "comparisons" / slug(title, experiment_digest(asked.names, planned, asked.runs))
    goes_on = watch and any(item.missing for item in planned)
    with page_kept_current(planned, folder) if goes_on else nullcontext():
        comparison = add_seeds(plan, train, judge, most) if most else judge(train(planned))
    comparison, report = replace(comparison, size_match=matched), None
    with warn_instead():
        report = write_comparison(comparison, folder, network_diagrams)
        write_seed_bands(comparison, folder / "tensorboard")
    return replace(comparison, report=report)


@checked_arguments
def compare_commands(asked: ComparisonRequest, loading: ProgressCallback | None = None) -> list[str]:
    """Return a command line for each run that is missing, see `write_commands`."""
    planned, _ = plan_fairly(asked, loading)
    return write_commands(planned, asked.runs)


def _compare_fairly(
    runs: Sequence[Run], look: InterimLook | None = None, *, same_within: float | None, allow: Sequence[str]
) -> Comparison:
    """Compare runs, at a look if seeds are added; raise InputError if they differ in more than is allowed."""
    comparison = compare_runs(runs, same_within, look)
    refuse_unfair(group_differences(comparison.groups), allow)
    return comparison
