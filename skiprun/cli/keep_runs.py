"""`skiprun runs tag`, `rm` and `restore`: put runs in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skiprun.cli.options import RUNS, Json, RunArgument, RunsFolder, user_path
from skiprun.cli.runs import app
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, results, say
from skiprun.errors import InputError, counted

if TYPE_CHECKING:
    from skiprun.run import Run

SEVERAL = typer.Argument(metavar="RUN...", parser=user_path, help="Runs, or experiments with all seeds.")


def runs_named(names: Sequence[Path], folder: Path) -> list[Run]:
    """Return the runs that names mean: each one run, or all seeds of one; each run once.

    Raises:
        InputError: a name is no run's.
    """
    from skiprun.run import Run, run_folder, runs_in

    places = [run_folder(name, folder) for name in names]
    found = [run for place in places for run in runs_in(place) or [Run.open(place)]]
    return list({run.path.absolute(): run for run in found}.values())


@app.command(epilog="Example: skiprun runs tag digits-resnet56 paper baseline")
def tag(
    run: RunArgument,
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="Words to find it by: runs tag=paper.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tags away.")] = False,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Give RUN tags, or all seeds of an experiment, or take them away."""
    from skiprun.run.tags import change_tags, refuse_bad_tags

    refuse_bad_tags(() if remove else tags)
    change = {"remove": tags} if remove else {"add": tags}
    tagged = {each.name: change_tags(each, **change) for each in runs_named([run], runs)}
    if json:
        emit(tagged)
    else:
        show_table(["run", "tags"], [[name, ", ".join(now) or None] for name, now in tagged.items()])


@app.command(epilog="Example: skiprun runs rm smoke digits-plain20/seed-3")
def rm(
    names: Annotated[list[Path] | None, SEVERAL] = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete for good; without RUN, all that is in the trash.")
    ] = False,
    runs: RunsFolder = RUNS,
) -> None:
    """Move runs to the trash, from which `runs restore` brings them back; one that trains is refused."""
    from skiprun.run import trash
    from skiprun.run.places import name_of

    if not names and not purge:
        raise InputError("Name a run, or an experiment with all its seeds; --purge alone empties the trash.")
    if not names:
        there = trash.removed(runs)
        trash.empty_trash(runs)
        return say(f"The trash is empty; {counted(len(there), 'run')} deleted for good.")
    found = runs_named(names, runs)
    if purge:
        trash.delete_runs(found)
        return say(f"Deleted for good: {', '.join(run.name for run in found)}")
    places = trash.remove_runs(found)
    for folder in dict.fromkeys(place.parent.parent for place in places):
        moved = [name_of(place) for place in places if folder in place.parents]
        say(f"In the trash, {folder}: {', '.join(moved)}")
    say(f"To bring one back: skiprun runs restore {found[0].name}")


@app.command(epilog="Example: skiprun runs restore smoke")
def restore(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="RUN...", help="Nothing: list the trash.")
    ] = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Bring runs back from the trash, an experiment with all its seeds; the last removed of each name."""
    from skiprun.run import trash
    from skiprun.run.places import name_of

    if names:
        back = [run for name in names for run in trash.restore_runs(runs, name.rstrip("/"))]
        return (
            emit([run.name for run in back]) if json else say(f"Back: {', '.join(run.name for run in back)}")
        )
    rows = [{"name": name_of(path), "removed": path.parent.parent.name} for path in trash.removed(runs)]
    if json:
        emit(rows)
    elif rows:
        show_table(["run", "removed"], [list(row.values()) for row in rows])
    else:
        results.print("The trash is empty.")
