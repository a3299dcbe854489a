"""Labels or masks of images by a finished run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from skiprun.data.conversion import Conversion
from skiprun.data.decoding import decode
from skiprun.data.opening import read_file
from skiprun.errors import InputError
from skiprun.experiment.finished import load_model
from skiprun.experiment.inputs import Input, find_inputs, name_outputs, read_each
from skiprun.experiment.masking import write_masks
from skiprun.experiment.parts import Loading, Say
from skiprun.run import Run

# Of runs that did not record it: the upper 8 of 16 bits.
EARLIER = {"span": (0, 65535)}


def predict(
    run: Run,
    files: Sequence[Path],
    top: int = 3,
    skip_bad: bool = False,
    progress: Loading = lambda done, total, what: None,
    say: Say = lambda line: None,
) -> Iterator[dict[str, Any]]:
    """Return for each image, as it comes, its file, label, probability and `top` labels, by the best weights.

    Args:
        run: a finished run that labels images.
        files: images, or folders of them.
        top: number of labels, the most likely first.
        skip_bad: yield an image that cannot be used with a 'problem', instead of an error.
        progress: told of (done, total, what).
        say: told, in a line, what a folder holds besides images.

    Raises:
        BadPicture: an image that cannot be read, by name.
        InputError: there is nothing to read, or the run finds masks.
    """
    data = data_of(run, "classification", "label images")
    return label(load_model(run), data, find_inputs(files, say), top, skip_bad, progress)


def data_of(run: Run, task: str, ability: str) -> dict[str, Any]:
    """Return what a finished run recorded of its data, if it was trained for a task."""
    data: dict[str, Any] = run.summary()["data"]
    if data["task"] != task:
        raise InputError(f"Run {run.path} does not {ability}; its task is {data['task']}.")
    return data


@torch.no_grad()
def label(
    model: nn.Module, data: dict[str, Any], inputs: Sequence[Input], top: int, skip_bad: bool, progress: Loading
) -> Iterator[dict[str, Any]]:
    """Yield the labels of each image; see `predict`."""
    for picture, row in read_each(inputs, lambda file: read_picture(file, data), skip_bad, progress):
        if picture is None:
            yield row
            continue
        probabilities = model(picture).softmax(1)[0]
        best = probabilities.topk(min(top, len(probabilities)))
        ranked = [
            {"label": data["class_names"][index], "probability": value}
            for value, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
        yield row | {**ranked[0], "top": ranked}


def predict_masks(
    run: Run,
    files: Sequence[Path],
    out: Path,
    skip_bad: bool = False,
    overlay: bool = False,
    overwrite: bool = False,
    progress: Loading = lambda done, total, what: None,
    say: Say = lambda line: None,
) -> Iterator[dict[str, Any]]:
    """Write the mask of each image into a folder, by a run's best weights; see `write_masks`.

    Args:
        run: a finished run that finds masks.
        files: images, or folders of them, whose tree is kept below `out`.
        out: the folder.
        skip_bad: yield an image that cannot be used with a 'problem', instead of an error.
        overlay: write the image with its mask laid over it, too.
        overwrite: replace files that are there.
        progress: told of (done, total, what).
        say: told, in a line, what a folder holds besides images.

    Raises:
        InputError: there is nothing to read, the run labels images, or a file would be replaced.
        StorageError: the folder cannot be written to.
    """
    data_of(run, "segmentation", "find masks")
    inputs = find_inputs(files, say)
    outputs = name_outputs(inputs, out, overlay, overwrite)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return write_masks(run, load_model(run).to(device), inputs, outputs, skip_bad, progress)


def read_picture(file: Path, data: dict[str, Any]) -> Tensor:
    """Return a picture as the network saw its training set: [1, C, H, W], brought to its size, normalized."""
    channels, height, width = data["image_shape"]
    known = data.get("conversion", EARLIER) or {}
    values = decode(file, read_file(file), Conversion(**known | {"size": (width, height)}))
    if channels == 1:
        values = np.asarray(Image.fromarray(values).convert("L"))[..., None]
    pixels = torch.from_numpy(values.copy()).float().div(255).permute(2, 0, 1)
    mean, std = (torch.tensor(data[key]).reshape(-1, 1, 1) for key in ("mean", "std"))
    return ((pixels - mean) / std)[None]
