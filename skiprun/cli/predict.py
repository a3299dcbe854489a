"""`skiprun predict`: labels of images, or their masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skiprun.cli.option_groups import with_groups
from skiprun.cli.options import RUNS, Device, Json, RunArgument, RunsFolder, user_path
from skiprun.cli.predictions import show_predictions, write_csv
from skiprun.cli.terminal import loading, say, set_quiet
from skiprun.errors import BadImage, InputError, grouped
from skiprun.system.disk import check_writable

if TYPE_CHECKING:  # it imports torch
    from skiprun.inference.predictions import Prediction

FEW = 20  # images, whose progress nobody needs to see


@dataclass(frozen=True)
class InputOptions:
    """What is looked at."""

    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE...", parser=user_path, help="Images of any size, or folders of them."),
    ]
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave unusable images out, and list them.")
    ] = False


@dataclass(frozen=True)
class FileOptions:
    """What is written."""

    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", parser=user_path, help="Where masks are written, as PNG."),
    ] = Path("predictions")
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write each image with its mask laid over it.")
    ] = False
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            parser=user_path,
            help="Write a line an image, with a number for each class.",
        ),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False


@with_groups
def predict(
    run: RunArgument,
    *,
    inputs: InputOptions,
    top: Annotated[int, typer.Option(min=1, help="How many labels to show.")] = 3,
    files: FileOptions,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Label images with the best weights of RUN. A RUN that segments writes their masks."""
    from skiprun import experiment
    from skiprun.inference.output_files import refuse_existing

    set_quiet(False)
    opened = experiment.load_run(run, runs)
    data = opened.summary()["data"]
    if files.csv:
        refuse_existing([files.csv], files.overwrite)
        check_writable(files.csv.parent)
    found = experiment.predict(
        opened,
        inputs.images,
        top=max(top, data["num_classes"]),
        out=files.out,
        overlay=files.overlay,
        overwrite=files.overwrite,
        skip_bad=inputs.skip_bad,
        device=device or "auto",
        progress=show_progress,
    )
    tell_problems([item for item in found if "problem" in item], len(found))
    done = [item for item in found if "problem" not in item]
    show_predictions(done, top, json)
    if files.csv:
        write_csv(files.csv, done, data["class_names"])


def show_progress(done: int, total: int, what: str) -> None:
    """Show how many of many images are done."""
    if total >= FEW:
        loading(done, total, what)


def tell_problems(bad: list[Prediction], total: int) -> None:
    """List the images that were left out; none is left if all were."""
    if bad:
        say(f"Left out {len(bad)} of {total} images:")
    for line in grouped([BadImage(Path(item["file"]), item["problem"]) for item in bad]):
        say(f"  {line}.")
    if len(bad) == total:
        raise InputError("None of the images can be used.")
