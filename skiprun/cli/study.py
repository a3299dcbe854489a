"""`skiprun studies`: list the studies, and run any one of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from skiprun.cli.groups import ListByDefault
from skiprun.cli.listings import show_entries
from skiprun.cli.option_groups import DataOptions, OutputOptions, with_groups
from skiprun.cli.options import Json
from skiprun.cli.study_options import LookOptions, Names
from skiprun.cli.study_output import show_studies
from skiprun.errors import OptionError

app = typer.Typer(name="studies", cls=ListByDefault, rich_markup_mode=None, add_completion=False)


@app.callback(epilog="Example: skiprun studies --json")
def studies() -> None:
    """List studies; `studies run STUDY` runs any one."""


@app.command("list", epilog="Example: skiprun studies --json")
def list_studies(json: Json = False) -> None:
    """List the studies with their papers."""
    from skiprun.registry import STUDIES

    show_entries(STUDIES, ["paper"], json)


@app.command(epilog="Example: skiprun studies run lesion smoke --option draws=5")
@with_groups
def run(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A name of `skiprun studies`.")],
    names: Names = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the study.")
    ] = None,
    *,
    look: LookOptions,
    data: DataOptions,
    output: OutputOptions,
) -> None:
    """Run any study of the registry, on networks that are not trained too."""
    from skiprun.experiment.study_runner.sample_selection import SampleSelection
    from skiprun.experiment.study_runner.study import StudyRequest
    from skiprun.experiment.study_runner.study_target import DataPlace
    from skiprun.experiment.study_runner.study_targets import find_targets

    targets = find_targets(names or [], output.runs, place=DataPlace(data.root, data.other_data))
    chosen = SampleSelection(**asdict(look), device=data.device)
    show_studies(StudyRequest(study, targets, chosen, pairs(option or [])), output=output)


def pairs(given: Sequence[str]) -> dict[str, object]:
    """Read options such as draws=5 or depths=[2,10]; values are read as YAML."""
    import yaml

    for text in given:
        if "=" not in text:
            raise OptionError("--option", f"found '{text}'; write KEY=VALUE, as draws=5")
    return {text.split("=", 1)[0]: yaml.safe_load(text.split("=", 1)[1]) for text in given}
