"""`skiprun predict`: labels of pictures, or their masks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skiprun.cli.options import RUNS, Json, RunArgument, RunsFolder, user_path
from skiprun.cli.terminal import emit, say, show_table
from skiprun.errors import InputError


def predict(
    run: RunArgument,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", parser=user_path, help="Pictures of any size.")],
    top: Annotated[int, typer.Option(min=1, help="How many labels to show.")] = 3,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", parser=user_path, help="Where masks are written, as PNG.")
    ] = Path("masks"),
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave unusable pictures out, and list them.")] = False,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Label pictures with the best weights of RUN, or write their masks if RUN segments."""
    from skiprun import experiment

    opened = experiment.load_run(run, runs)
    segments = opened.summary()["data"]["task"] == "segmentation"
    if segments:
        found = list(experiment.predict_masks(opened, images, out, skip_bad))
    else:
        found = list(experiment.predict(opened, images, top, skip_bad))
    tell_problems([item for item in found if "problem" in item], len(found))
    done = [item for item in found if "problem" not in item]
    if json:
        emit(done)
    elif segments:
        show_table(["picture", "mask", "share of pixels"], [mask_row(item) for item in done])
    else:
        show_table(["picture", "labels"], [label_row(item) for item in done])


def tell_problems(bad: list[dict[str, Any]], total: int) -> None:
    """List the pictures that were left out; none is left if all were."""
    if bad:
        say(f"Left out {len(bad)} of {total} pictures:")
    for item in bad:
        say(f"  {item['file']} {item['problem']}.")
    if len(bad) == total:
        raise InputError("None of the pictures can be used.")


def label_row(item: dict[str, Any]) -> list[str]:
    """Return the most likely labels of a picture, for the table."""
    return [item["file"], ", ".join(f"{each['label']} {each['probability']:.1%}" for each in item["top"])]


def mask_row(item: dict[str, Any]) -> list[str]:
    """Return where the mask of a picture is and what it shows, for the table."""
    shares = ", ".join(f"{name} {share:.1%}" for name, share in item["shares"].items() if share)
    return [item["file"], item["mask"], shares]
