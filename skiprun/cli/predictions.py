"""What was predicted, on the terminal and as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, say
from skiprun.errors import percent
from skiprun.system.files import make_folder, write_bytes

if TYPE_CHECKING:  # it imports torch
    from skiprun.inference.predictions import Prediction


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
