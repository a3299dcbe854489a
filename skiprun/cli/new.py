"""`skiprun new`: a commented config of one's own, from one that comes with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.options import Json, user_path
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, say
from skiprun.errors import InputError


def new(
    template: Annotated[
        str, typer.Argument(metavar="[TEMPLATE]", help="A config that comes with skiprun; none: list them.")
    ] = "",
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", parser=user_path, help="Where to write it; default: TEMPLATE.yaml."),
    ] = None,
    json: Json = False,
) -> None:
    """Write a commented config of your own, to change and train.

    For your images: transfer_folder (labels are folders; begins at ImageNet's weights) and unet_folder
    (masks). For a search: rates_digits.
    """
    from skiprun.config.templates import about, find_template, template_text, templates
    from skiprun.system.files import write_text

    if not template:
        rows = [{"name": name, "about": about(place)} for name, place in templates().items()]
        return emit(rows) if json else show_table(["template", "what it is"], [[*r.values()] for r in rows])
    source = find_template(template)
    file = file or Path(source.name)
    if file.exists():
        raise InputError(f"{file} is there already; name another file: skiprun new {source.stem} FILE.yaml")
    write_text(file, template_text(source, str(file)))
    command = "sweep" if source.parent.name == "sweeps" else "train"
    say(f"{file} is yours. Read it, change it, then: skiprun {command} {file}")
    if json:
        emit({"file": str(file), "template": source.stem})
