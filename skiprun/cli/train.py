"""`skiprun train`: one run a config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps as quoted
from typing import TYPE_CHECKING, Annotated

import typer

from skiprun.cli.option_groups import ConfigOptions, OutputOptions, with_groups
from skiprun.cli.options import apart
from skiprun.cli.terminal import emit, is_first_rank, people, set_quiet
from skiprun.display.board import Board
from skiprun.display.scores import test_scores

if TYPE_CHECKING:
    from skiprun.config import RunConfig


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

    if not all(Run.of(output.runs, config).summary_file.exists() for config in loaded):
        check_writable(output.runs)  # before torch, which takes seconds to import

    from skiprun import experiment

    first = is_first_rank()
    set_quiet(output.silent)
    summaries = []
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
        summaries.append(run.summary())
        if not output.json:
            typer.echo(f"{run.path}: test {test_scores(run.summary())}")
    if output.json:
        emit(summaries[0] if len(summaries) == 1 else summaries)


def named_config(text: str, overrides: Sequence[str]) -> RunConfig:
    """Return the config in a file, for which torch is not loaded, or that of an architecture on digits."""
    from skiprun.config_file import is_file, load_config

    if is_file(text):
        return load_config(text, overrides)
    from skiprun.experiment.named import config_of

    return config_of(text, overrides)
