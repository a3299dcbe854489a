"""Train and compare named architectures, configs or runs: the controlled experiment as one function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skiprun.claims.comparison import Comparison
from skiprun.config import Count
from skiprun.config_file import Overrides, override_texts
from skiprun.experiment.comparison_request import ComparisonRequest
from skiprun.experiment.crew import ProgressFor
from skiprun.experiment.many import launching
from skiprun.experiment.run_comparison import run_comparison
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
