"""`skiprun compare`: the controlled experiment, its table, its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.option_groups import ConfigOptions, LaunchOptions, OutputOptions, with_groups
from skiprun.cli.options import Folds, apart, user_path
from skiprun.cli.terminal import emit, results, say, set_quiet, show_commands
from skiprun.results.size_match import SizeKind


@dataclass(frozen=True)
class ProtocolOptions:
    """What is trained of each name."""

    config: Annotated[
        Path | None,
        typer.Option(
            "--config", parser=user_path, help="YAML file of the shared protocol; default: digits, embedded."
        ),
    ] = None
    name: Annotated[
        str | None, typer.Option(help="What new runs are called before NAME; default: the protocol.")
    ] = None
    seeds: Annotated[int | None, typer.Option(min=1, max=100, help="Train seeds 0 to N-1 of each.")] = None
    folds: Folds = None
    match: Annotated[
        SizeKind | None,
        typer.Option(
            metavar="params|macs",
            help="Scale the width of each network until it is as large as the first, within 2 %.",
        ),
    ] = None
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE,VALUE", help="Train each with every value, as optim.lr=0.05,0.1,0.2."
        ),
    ] = None


@dataclass(frozen=True)
class JudgingOptions:
    """How what was trained is compared."""

    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="Add seeds from 3 on until all is decided; --seeds at most."),
    ] = False
    same_within: Annotated[
        float | None,
        typer.Option(metavar="MARGIN", help="Test whether networks are the same within so much test score."),
    ] = None
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Let runs differ in a key beside the model; else they may not."),
    ] = None


@with_groups
def compare(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Architectures, YAML files or runs.")],
    *,
    protocol: ProtocolOptions,
    judging: JudgingOptions,
    launch: LaunchOptions,
    changes: ConfigOptions,
    output: OutputOptions,
    watch: Annotated[
        bool, typer.Option("--watch", help="Write the page while runs go on too, every few seconds.")
    ] = False,
) -> None:
    """Train what is missing under one protocol, then compare. Shows table, statistics, verdict and a page."""
    names, given = apart(names, changes.set_)
    if launch.print_commands:
        refuse_looks(judging)
    else:
        import_early(names, protocol, launch, output.runs)

    from skiprun import experiment, reports

    asked = experiment.ComparisonRequest(
        names,
        protocol=protocol.config,
        overrides=changes.overrides(given),
        seeds=protocol.seeds,
        runs=output.runs,
        root=changes.root,
        prefix=protocol.name,
        grid=protocol.grid or (),
        match=protocol.match,
        allow=judging.allow or (),
        folds=protocol.folds,
    )
    if launch.print_commands:
        return show_commands(experiment.compare_commands(asked, output.loading), output.json)
    set_quiet(output.silent)
    with launch.launcher(output) as launcher:
        comparison = experiment.run_comparison(
            asked, judging.same_within, judging.until_decided, launcher, watch
        )
    if output.json:
        return emit(comparison.to_dict())
    results.print(reports.comparison_table(comparison))
    for sentence in comparison.verdict.sentences:
        results.print(sentence)
    if comparison.report:
        say(f"Report: {comparison.report}")
    if not comparison.groups:
        raise typer.Exit(1)


def refuse_looks(judging: JudgingOptions) -> None:
    """Refuse to foresee what results decide."""
    from skiprun.errors import InputError

    if judging.until_decided:
        raise InputError(
            "--print-commands: --until-decided asks for runs as it sees what came of others; leave it out, "
            "and say how many with --seeds."
        )


def import_early(names: list[str], protocol: ProtocolOptions, launch: LaunchOptions, runs: Path) -> None:
    """Import what takes seconds; where several runs are to be trained, their processes do so meanwhile."""
    from skiprun import reports
    from skiprun.system.processes import ready

    several = protocol.grid or len(names) * (protocol.seeds or protocol.folds or 1) > 1
    shown_before = list((runs / "comparisons").glob(f"{reports.slug(names)}*"))
    if several and launch.jobs != 1 and not launch.ray and not shown_before:
        ready()
    import matplotlib.figure  # noqa: F401 - for the page
