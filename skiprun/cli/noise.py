"""`skiprun noise`: how much of the spread over seeds is whose."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.option_groups import ConfigOptions, LaunchOptions, OutputOptions, with_groups
from skiprun.cli.options import apart
from skiprun.cli.terminal import emit, results, say, set_quiet, show_commands


@with_groups
def noise(
    name: Annotated[list[str], typer.Argument(metavar="NAME", help="An architecture, or a YAML file.")],
    seeds: Annotated[
        int, typer.Option(min=2, max=1000, help="Train seeds 0 to N-1, and as many runs for each source.")
    ] = 10,
    sources: Annotated[
        str, typer.Option(metavar="A,B", help="Which sources to vary alone.")
    ] = "init,order,augment,split",
    called: Annotated[
        str | None,
        typer.Option("--name", help="What the result is called before NAME."),
    ] = None,
    *,
    launch: LaunchOptions,
    changes: ConfigOptions,
    output: OutputOptions,
) -> None:
    """Split the spread over seeds by its sources.

    Sources are init (the first weights), order (of the images), augment (what is drawn in a step:
    augmentation, dropout, stochastic depth) and split. For each seed there is one run in which all vary, and
    one more for each source, in which that source alone has another seed: what that changes of the test score
    is the source's part. One that decides nothing is said, not trained. The same command continues, and more
    seeds go on from fewer.
    """
    from skiprun.errors import InputError

    names, given = apart(name, changes.set_)
    if len(names) != 1:
        raise InputError(f"Noise is that of one network; found {len(names)} names. Name one.")
    from skiprun import experiment, reports

    set_quiet(output.silent or launch.print_commands)
    plan = experiment.plan_noise(
        names[0],
        overrides=changes.overrides(given),
        seeds=seeds,
        sources=[each.strip() for each in sources.split(",") if each.strip()],
        runs=output.runs,
        prefix=called,
        loading=output.loading,
    )
    if launch.print_commands:
        return show_commands(plan.commands(), output.json)
    with launch.launcher(output) as launcher:
        found = experiment.noise(plan, launcher)
    if output.json:
        return emit(found.to_dict())
    results.print(reports.noise_table(found))
    say(f"Written: {found.folder / 'noise.md'}")
