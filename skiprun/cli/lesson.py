"""`skiprun lesson`: notebooks for a class, whose exercises are checked by numbers."""

from __future__ import annotations

from json import dumps as quoted
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skiprun.cli.options import Json, user_path
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, say
from skiprun.errors import InputError

if TYPE_CHECKING:
    from skiprun.lessons.notebooks import Lesson


def lesson(
    number: Annotated[
        int | None, typer.Argument(metavar="[N]", help="The lesson to copy; none: list them.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", parser=user_path, help="Where to; default: its name, here."),
    ] = None,
    script: Annotated[
        bool, typer.Option("--script", help="Copy it as a Python script, where there is no Jupyter.")
    ] = False,
    solution: Annotated[
        bool, typer.Option("--solution", help="Copy it with a solution of each exercise, for the teacher.")
    ] = False,
    json: Json = False,
) -> None:
    """Copy a lesson to work on: a notebook with exercises that are checked by numbers.

    Ten minutes each on a laptop, and nothing to download.
    """
    from skiprun.lessons.notebooks import lessons
    from skiprun.system.files import write_text

    known = lessons()
    if number is None:
        return show_lessons(known, json)
    chosen = next((each for each in known if each.number == number), None)
    if chosen is None:
        raise InputError(
            f"There is no lesson {number}; there are 1 to {len(known)}. `skiprun lesson` lists them."
        )
    script = script or (file is not None and file.suffix == ".py")
    name = chosen.file.stem + "_solution" * solution
    file = file or Path(name + (".py" if script else ".ipynb"))
    if file.exists():
        raise InputError(f"{file} is there already; name another: skiprun lesson {number} FILE{file.suffix}")
    write_text(
        file, chosen.script(solution) if script else quoted(chosen.notebook(solution), indent=1) + "\n"
    )
    say(f"{file} is yours: {chosen.title}. Open it: {'python' if script else 'jupyter lab'} {file}")
    if json:
        emit({"file": str(file), "lesson": number})


def show_lessons(known: list[Lesson], json: bool) -> None:
    """Print the lessons."""
    rows = [{"lesson": each.number, "title": each.title, "exercises": each.exercises} for each in known]
    if json:
        emit(rows)
    else:
        show_table(["lesson", "what it is about", "exercises"], [[*row.values()] for row in rows])
        say("`skiprun lesson 1` copies the first to this folder; --script as a Python script.")
