"""Train and compare named architectures, configs or runs: the controlled experiment as one function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from skiprun.claims.comparison import Comparison, compare_runs
from skiprun.config import Count
from skiprun.config_file import Overrides, override_texts
from skiprun.errors import InputError
from skiprun.experiment.commands import write_commands
from skiprun.experiment.comparison_request import ComparisonRequest
from skiprun.experiment.crew import ProgressFor
from skiprun.experiment.diagrams import group_diagrams
from skiprun.experiment.many import BY_DEFAULT, Launcher, launching, train_missing
from skiprun.experiment.plan import experiment_digest, plan_comparison, plan_fairly
from skiprun.experiment.planned import Planned
from skiprun.experiment.study_runner.keeping import warn_instead
from skiprun.experiment.until_decided import MOST, add_seeds, refuse_no_looks
from skiprun.experiment.watching import page_kept_current
from skiprun.reports.page import slug, write_comparison
from skiprun.reports.seed_bands import write_seed_bands
from skiprun.results.fairness import group_differences, refuse_unfair
from skiprun.results.sequential import InterimLook
from skiprun.results.size_match import SizeKind
from skiprun.run import RUNS, Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback


@checked_arguments
def compare(
    names: Sequence[str | Path | Run],
    *,
    protocol: Path | str | None = None,
    overrides: Overrides = (),
    seeds: Count | None = None,
    runs: Path | str = RUNS,
    root: Path | str | None = None,
    prefix: str | None = None,
    jobs: Count | None = None,
    ray: str | None = None,
    same_within: float | None = None,
    allow: Sequence[str] = (),
    until_decided: bool = False,
    match: SizeKind | None = None,
    grid: Sequence[str] = (),
    folds: Count | None = None,
    watch: bool = False,
    progress: ProgressFor | bool = False,
    loading: ProgressCallback | None = None,
) -> Comparison:
    """Train what is missing under one protocol, compare all, and write the page; what `skiprun compare` does.

        comparison = skiprun.compare(["plain20", "resnet20:connection=highway"], seeds=3, progress=True)
        comparison.verdict.sentences, comparison.columns()["test.error"]

    Args:
        names: architectures, also with options as `resnet56:connection=highway`; YAML files; runs.
        protocol: the YAML file whose data, optimizer and schedule all architectures share; default: digits.
        overrides: for all that is trained, as `{"optim.lr": 0.05}`.
        seeds: train seeds 0..n-1; None: the seed of each config. With `until_decided` at most; None: 10.
        runs: the folder of all runs.
        root: where the data of runs that go on is now; None: where it was.
        prefix: what the names of new runs begin with; None: the protocol's name, for architectures.
        jobs: runs at once; None: see `Launcher`.
        ray: the address of a Ray cluster, see `Launcher`; None: train here.
        same_within: margin of the test score within which two networks count as equivalent: points of error,
            shares of IoU; None: not asked.
        allow: keys in which runs may differ beside the model: of the config, or data, device, precision,
            torch, skiprun.
        until_decided: add seeds from three on, and stop as soon as each network is behind the best beyond the
            noise, or equivalent to it; the tests count all looks.
        match: scale the width of each network until it has as many parameters, or multiply-adds for an image,
            as the first, within 2 %; None: each keeps its own.
        grid: `section.key=value,value`: every network is trained with every combination, each of which counts
            as one that is compared.
        folds: cross-validate: all images are divided into so many folds, each tested by one run of each
            network; None: the dataset's own test split.
        watch: write the page while runs go on too, every few seconds.
        progress: True shows how far the runs are; or gives somebody to tell of a run, by its label.
        loading: told of (done, total, what) while data is prepared.

    Raises:
        InputError: two experiments would be one run, the options reach none of the names, the runs differ
            in more than the model, or a network cannot be as large as the first.
    """
    asked = ComparisonRequest(
        [str(each.path if isinstance(each, Run) else each) for each in names],
        Path(protocol).expanduser() if protocol else None,
        override_texts(overrides),
        seeds,
        Path(runs).expanduser(),
        root,
        prefix,
        grid,
        match,
        allow,
        folds,
    )
    with launching(jobs, ray, progress, loading) as launcher:
        return run_comparison(asked, same_within, until_decided, launcher, watch)


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
        report = write_comparison(comparison, folder, group_diagrams(comparison.groups))
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
