"""`skiprun sweep`: settings of a config, each with the same seeds, and the one that validation chooses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.option_groups import ConfigOptions, LaunchOptions, OutputOptions, with_groups
from skiprun.cli.options import user_path
from skiprun.cli.terminal import emit, results, say, set_quiet, show_commands


@with_groups
def sweep(
    file: Annotated[
        Path,
        typer.Argument(metavar="SWEEP.yaml", parser=user_path, help="What is varied, over which config."),
    ],
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Train seeds 0 to N-1 of each; default: the file's.")
    ] = None,
    halving: Annotated[
        bool, typer.Option("--halving", help="Stop hopeless settings early, by successive halving.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="What the sweep is called; default: the name of the file.")
    ] = None,
    *,
    launch: LaunchOptions,
    changes: ConfigOptions,
    output: OutputOptions,
) -> None:
    """Train a grid of settings, or random ones, and choose one.

    The file names a config, the keys that vary (grid: values, or random: distributions), and seeds.
    Validation chooses; the test score of what was chosen is the one to report. All pairs of settings are
    tested over seeds, by validation, so it is said which are not told apart from the chosen one. --halving
    goes on with one of three settings where a ninth of the run is over, and again where a third is. The same
    command continues; more seeds or settings go on from fewer.
    """
    from skiprun import experiment, reports

    set_quiet(output.silent)
    plan = experiment.plan_sweep(
        file,
        overrides=changes.overrides(changes.set_),
        seeds=seeds,
        halving=halving,
        runs=output.runs,
        name=name,
    )
    if launch.print_commands:
        return show_commands(plan.commands(), output.json)
    with launch.launcher(output) as launcher:
        found = experiment.sweep(plan, launcher)
    if output.json:
        return emit(found.to_dict())
    results.print(reports.sweep_table(found))
    say(f"Written: {found.folder / 'sweep.md'}")
    if found.finding.evidence is None:
        raise typer.Exit(1)
