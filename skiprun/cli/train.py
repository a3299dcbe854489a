"""`skiprun train`: one run a config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps as quoted
from typing import TYPE_CHECKING, Annotated

import typer

from skiprun.cli.option_groups import ConfigOptions, OutputOptions, with_groups
from skiprun.cli.options import Folds, apart
from skiprun.cli.terminal import emit, people, set_quiet
from skiprun.display.board import Board
from skiprun.display.scores import test_scores
from skiprun.system.ranks import is_first_rank

if TYPE_CHECKING:
    from skiprun.config import RunConfig
    from skiprun.run import Run


@dataclass(frozen=True)
class RunOptions(ConfigOptions):
    """What is changed of the config of a run."""

    name: Annotated[str | None, typer.Option(help="Name of the run; default: the config's.")] = None
    seed: Annotated[int | None, typer.Option(help="Seed of weights, order and augmentation.")] = None
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Leave images and masks that cannot be used out, and list them."),
    ] = False

    def overrides(self, given: list[str] | None) -> list[str]:
        """Return the overrides that were `given` as KEY=VALUE, and those that have an option of their own."""
        from skiprun.config_file import Override

        named = [Override("--name", f"name={quoted(self.name)}")] if self.name is not None else []
        seeded = [Override("--seed", f"seed={self.seed}")] if self.seed is not None else []
        lenient = [Override("--skip-bad", "data.skip_bad=true")] if self.skip_bad else []
        return [*super().overrides(given), *named, *seeded, *lenient]


@with_groups
def train(
    configs: Annotated[
        list[str], typer.Argument(metavar="CONFIG...", help="A YAML file an experiment, or an architecture.")
    ],
    *,
    changes: RunOptions,
    folds: Folds = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete what is there and start over.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Say where a step's time goes; trace.json.")
    ] = False,
    output: OutputOptions,
) -> None:
    """Train each CONFIG. The same command again continues an unfinished run and shows a finished one.

    An architecture, such as resnet56 or resnet56:connection=highway, is trained on digits as `compare` does.
    """
    from skiprun.errors import InputError
    from skiprun.run import Run, refuse_one_place
    from skiprun.system.disk import check_writable

    configs, given = apart(configs, changes.set_)
    if not configs:
        raise InputError(f"{given[0]}: name a config too, as `skiprun train configs/smoke.yaml {given[0]}`.")
    overrides = changes.overrides(given)
    loaded = [named_config(text, overrides) for text in configs]
    refuse_one_place(zip(configs, loaded, strict=True))
    if folds:
        loaded = with_folds(loaded, folds, changes.seed)

    if not all(Run.of(output.runs, config).summary_file.exists() for config in loaded):
        check_writable(output.runs)  # before torch, which takes seconds to import

    from skiprun import experiment

    first = is_first_rank()
    set_quiet(output.silent)
    trained = []
    for config in loaded:
        with Board(people, output.silent or not first) as board:
            run = experiment.train(
                config,
                runs=output.runs,
                fresh=fresh,
                progress=board.row(f"{config.name} seed {config.seed}"),
                loading=output.loading if first else None,
                profile=profile,
            )
        trained.append(run)
        if not output.json:
            typer.echo(f"{run.path}: test {test_scores(run.summary())}")
    if folds and not output.json:
        show_folds(trained)
    summaries = [run.summary() for run in trained]
    if output.json:
        emit(summaries[0] if len(summaries) == 1 else summaries)


def with_folds(configs: Sequence[RunConfig], folds: int, seed: int | None) -> list[RunConfig]:
    """Return a run for each fold of each experiment; a seed beside them would say another."""
    from skiprun.errors import InputError
    from skiprun.experiment.folds import each_fold

    if seed is not None:
        raise InputError(f"--seed {seed}: with --folds the seeds are the folds; leave one of the two out.")
    return each_fold(configs, folds)


def show_folds(runs: Sequence[Run]) -> None:
    """Print the score of each experiment over its folds."""
    from skiprun.results.fold_remarks import over_folds
    from skiprun.results.grouping import group_by_experiment
    from skiprun.results.records import read

    for group in group_by_experiment([read(run) for run in runs]):
        typer.echo(over_folds(group))


def named_config(text: str, overrides: Sequence[str]) -> RunConfig:
    """Return the config in a file, for which torch is not loaded, or that of an architecture on digits."""
    from skiprun.config_file import is_file, load_config

    if is_file(text):
        return load_config(text, overrides)
    from skiprun.experiment.named import config_of

    return config_of(text, overrides)
