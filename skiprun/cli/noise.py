"""`skiprun noise`: how much of the spread over seeds is whose."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skiprun.cli.options import (
    RUNS,
    Device,
    Jobs,
    Json,
    PrintCommands,
    Quiet,
    Ray,
    Root,
    RunsFolder,
    Set,
    apart,
    overrides,
)
from skiprun.cli.progress import Board, loading
from skiprun.cli.terminal import emit, results, say, set_quiet, show_commands


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
    jobs: Jobs = None,
    ray: Ray = None,
    print_commands: PrintCommands = False,
    set_: Set = None,
    root: Root = None,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Split the spread over seeds by its sources.

    Sources are init (the first weights), order (of the images), augment (what is drawn in a step:
    augmentation, dropout, stochastic depth) and split. For each seed there is one run in which all vary, and
    one more for each source, in which that source alone has another seed: what that changes of the test score
    is the source's part. One that decides nothing is said,
    not trained. The same command continues, and more seeds go on from fewer.
    """
    from skiprun.errors import InputError

    names, changes = apart(name, set_)
    if len(names) != 1:
        raise InputError(f"Noise is that of one network; found {len(names)} names. Name one.")
    from skiprun import experiment, reports

    silent = quiet or json
    asked: Any = {
        "overrides": overrides(changes, device, root),
        "seeds": seeds,
        "sources": [each.strip() for each in sources.split(",") if each.strip()],
        "runs": runs,
        "prefix": called,
        "loading": None if silent else loading,
    }
    if print_commands:
        return show_commands(experiment.noise_commands(names[0], **asked), json)
    set_quiet(silent)
    with Board(silent) as board:
        found = experiment.noise(names[0], **asked, jobs=jobs, ray=ray, progress_for=board.row)
    if json:
        emit(found.to_dict())
        return
    results.print(reports.noise_table(found))
    say(f"Written: {found.folder / 'noise.md'}")
