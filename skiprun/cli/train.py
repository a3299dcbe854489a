"""`skiprun train`: one run a config."""

from __future__ import annotations

from json import dumps as quoted
from typing import Annotated

import typer

from skiprun.cli.options import RUNS, Device, Json, Quiet, Root, RunsFolder, Set, apart, overrides, user_path
from skiprun.cli.progress import Board, loading
from skiprun.cli.scores import test_scores
from skiprun.cli.terminal import emit, is_first_rank, set_quiet


def train(
    configs: Annotated[list[str], typer.Argument(metavar="CONFIG...", help="One YAML file an experiment.")],
    set_: Set = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; default: the config's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, order and augmentation.")] = None,
    root: Root = None,
    device: Device = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete what is there and start over.")] = False,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Leave images and masks that cannot be used out, and list them."),
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Say where a step's time goes; trace.json.")
    ] = False,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train each CONFIG. The same command again continues an unfinished run and shows a finished one."""
    from skiprun.config_file import Override, load_config
    from skiprun.errors import InputError
    from skiprun.run import Run, refuse_one_place
    from skiprun.system.disk import check_writable

    configs, changes = apart(configs, set_)
    if not configs:
        raise InputError(
            f"{changes[0]}: name a config too, as `skiprun train configs/smoke.yaml {changes[0]}`."
        )
    named = [Override("--name", f"name={quoted(name)}")] if name is not None else []
    seeded = [Override("--seed", f"seed={seed}")] if seed is not None else []
    lenient = [Override("--skip-bad", "data.skip_bad=true")] if skip_bad else []
    given = [*overrides(changes, device, root), *named, *seeded, *lenient]
    loaded = [load_config(user_path(path), given) for path in configs]
    refuse_one_place(zip(configs, loaded, strict=True))

    if not all(Run.of(runs, config).summary_file.exists() for config in loaded):
        check_writable(runs)  # before torch, which takes seconds to import

    from skiprun import experiment

    silent = quiet or json or not is_first_rank()
    set_quiet(quiet or json)
    summaries = []
    for config in loaded:
        with Board(silent) as board:
            run = experiment.train(
                config,
                runs=runs,
                fresh=fresh,
                progress=board.row(f"{config.name} seed {config.seed}"),
                loading=None if silent else loading,
                profile=profile,
            )
        summaries.append(run.summary())
        if not json:
            typer.echo(f"{run.path}: test {test_scores(run.summary())}")
    if json:
        emit(summaries[0] if len(summaries) == 1 else summaries)
