"""`skiprun predict`: labels of images, or their masks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skiprun.cli.options import RUNS, Device, Json, RunArgument, RunsFolder, user_path
from skiprun.cli.progress import loading
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, say, set_quiet
from skiprun.errors import BadImage, InputError, grouped, percent
from skiprun.system.disk import check_writable
from skiprun.system.files import make_folder, write_bytes

if TYPE_CHECKING:  # it imports torch
    from skiprun.inference.predictions import Prediction

FEW = 20  # images, whose progress nobody needs to see

Images = Annotated[
    list[Path],
    typer.Argument(metavar="IMAGE...", parser=user_path, help="Images of any size, or folders of them."),
]
Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", parser=user_path, help="Where masks are written, as PNG.")
]
Csv = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE", parser=user_path, help="Write a line an image, with a number for each class."
    ),
]


def predict(
    run: RunArgument,
    images: Images,
    top: Annotated[int, typer.Option(min=1, help="How many labels to show.")] = 3,
    out: Out = Path("predictions"),
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write each image with its mask laid over it.")
    ] = False,
    csv: Csv = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave unusable images out, and list them.")
    ] = False,
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
    if csv:
        refuse_existing([csv], overwrite)
        check_writable(csv.parent)
    if data["task"] == "segmentation":
        how = skip_bad, overlay, overwrite, show_progress, device or "auto"
        found = list(experiment.predict_masks(opened, images, out, *how))
    else:
        refuse_overlay(overlay)
        most = max(top, data["num_classes"])
        found = list(experiment.predict(opened, images, most, skip_bad, show_progress, device or "auto"))
    tell_problems([item for item in found if "problem" in item], len(found))
    done = [item for item in found if "problem" not in item]
    show_predictions(done, top, json)
    if csv:
        write_csv(csv, done, data["class_names"])


def show_progress(done: int, total: int, what: str) -> None:
    """Show how many of many images are done."""
    if total >= FEW:
        loading(done, total, what)


def refuse_overlay(overlay: bool) -> None:
    """Refuse an option that labels cannot use."""
    if overlay:
        raise InputError("--overlay is for runs that find masks; this one labels images.")


def tell_problems(bad: list[Prediction], total: int) -> None:
    """List the images that were left out; none is left if all were."""
    if bad:
        say(f"Left out {len(bad)} of {total} images:")
    for line in grouped([BadImage(Path(item["file"]), item["problem"]) for item in bad]):
        say(f"  {line}.")
    if len(bad) == total:
        raise InputError("None of the images can be used.")


def show_predictions(done: list[Prediction], top: int, json: bool) -> None:
    """Print what was found, with so many labels."""
    shown = [item | ({"top": item["top"][:top]} if "top" in item else {}) for item in done]
    if json:
        emit(shown)
    elif "mask" in shown[0]:
        show_table(["image", "mask", "share of pixels"], [mask_row(item) for item in shown])
    else:
        show_table(["image", "labels"], [label_row(item) for item in shown])


def label_row(item: Prediction) -> list[str]:
    """Return the most likely labels of an image, for the table."""
    return [
        item["file"],
        ", ".join(f"{each['label']} {percent(each['probability'], 1)}" for each in item["top"]),
    ]


def mask_row(item: Prediction) -> list[str]:
    """Return where the mask of an image is and what it shows, for the table."""
    shares = ", ".join(f"{name} {percent(share, 1)}" for name, share in item["shares"].items() if share)
    return [item["file"], item["mask"], shares]


def write_csv(file: Path, done: Sequence[Prediction], class_names: Sequence[str]) -> None:
    """Write path, label and each class's probability; of masks, path, mask and each class's share."""
    masks = "mask" in done[0]
    first, each_class = ("mask", "share") if masks else ("label", "probability")
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(["path", first, *(f"{each_class} {name}" for name in class_names)])
    for item in done:
        values = item["shares"] if masks else {each["label"]: each["probability"] for each in item["top"]}
        found = item["mask"] if masks else item["label"]
        lines.writerow([item["file"], found, *(values[name] for name in class_names)])
    make_folder(file.parent)
    write_bytes(file, text.getvalue().encode("utf-8", "backslashreplace"))
    say(f"{file}: {len(done):,} lines.")
