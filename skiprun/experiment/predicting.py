"""Predict labels or masks of images by a finished run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from skiprun.config import Count
from skiprun.data.folders.conversion import Conversion, convert
from skiprun.data.folders.opening import open_image, read_file
from skiprun.errors import InputError
from skiprun.experiment.finished import load_model
from skiprun.experiment.inputs import Input, Label, Prediction, find_inputs, read_each
from skiprun.experiment.masking import write_masks
from skiprun.experiment.outputs import name_outputs
from skiprun.experiment.seen import count_scaled, in_channels, log_changes
from skiprun.run import Run
from skiprun.run.documents import ConversionRecord, DataRecord, ScoredData
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback

# Of runs that did not record it: the upper 8 of 16 bits.
EARLIER: ConversionRecord = {"span": (0, 65535)}


@checked_arguments
def predict(
    run: Run,
    files: Sequence[Path | str],
    top: Count = 3,
    skip_bad: bool = False,
    progress: ProgressCallback = lambda done, total, what: None,
) -> Iterator[Prediction]:
    """Return for each image, as it comes, its file, label, probability and `top` labels, by the best weights.

    Args:
        run: a finished run that labels images.
        files: images, or folders of them.
        top: number of labels, the most likely first.
        skip_bad: yield an image that cannot be used with a 'problem', instead of an error.
        progress: told of (done, total, what).

    Raises:
        BadImage, BadImages: all images that cannot be used, by name.
        InputError: there is nothing to read, or the run finds masks.
    """
    data = data_of(run, "classification", "label images")
    return predict_labels(load_model(run), data, find_inputs(files), top, skip_bad, progress)


def data_of(run: Run, task: str, ability: str) -> ScoredData:
    """Return what a finished run recorded of its data, if it was trained for a task."""
    data = run.summary()["data"]
    if data["task"] != task:
        raise InputError(f"Run {run.path} does not {ability}; its task is {data['task']}.")
    return data


@torch.no_grad()
def predict_labels(
    model: nn.Module,
    data: DataRecord,
    inputs: Sequence[Input],
    top: int,
    skip_bad: bool,
    progress: ProgressCallback,
) -> Iterator[Prediction]:
    """Yield the labels of each image; see `predict`."""
    tally: Counter[str] = Counter()
    for image, row in read_each(inputs, lambda file: read_image(file, data, tally), skip_bad, progress):
        if image is None:
            yield row
            continue
        tally["used"] += 1
        probabilities = model(image).softmax(1)[0]
        best = probabilities.topk(min(top, len(probabilities)))
        ranked: list[Label] = [
            {"label": data["class_names"][index], "probability": value}
            for value, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
        yield {**row, **ranked[0], "top": ranked}
    log_changes(tally, size_of(data))


@checked_arguments
def predict_masks(
    run: Run,
    files: Sequence[Path | str],
    out: Path | str,
    skip_bad: bool = False,
    overlay: bool = False,
    overwrite: bool = False,
    progress: ProgressCallback = lambda done, total, what: None,
) -> Iterator[Prediction]:
    """Write the mask of each image into a folder, by a run's best weights; see `write_masks`.

    Args:
        run: a finished run that finds masks.
        files: images, or folders of them, whose tree is kept below `out`.
        out: the folder.
        skip_bad: yield an image that cannot be used with a 'problem', instead of an error.
        overlay: write the image with its mask laid over it, too.
        overwrite: replace files that are there.
        progress: told of (done, total, what).

    Raises:
        InputError: there is nothing to read, the run labels images, or a file would be replaced.
        StorageError: the folder cannot be written to.
    """
    data_of(run, "segmentation", "find masks")
    inputs = find_inputs(files)
    outputs = name_outputs(inputs, Path(out), overlay, overwrite)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return write_masks(run, load_model(run).to(device), inputs, outputs, skip_bad, progress)


def size_of(data: DataRecord) -> tuple[int, int]:
    """Return width and height of a run's images."""
    return data["image_shape"][2], data["image_shape"][1]


def read_image(file: Path, data: DataRecord, tally: Counter[str]) -> Tensor:
    """Return an image as the network saw its training set: [1, C, H, W], brought to its size, normalized.

    Args:
        file: of the image.
        data: what the run recorded of its data.
        tally: counts what was changed, see `convert` and `skiprun.experiment.seen`.

    Raises:
        BadImage: it cannot be used.
    """
    known: ConversionRecord = data.get("conversion", EARLIER) or {}
    image = open_image(file, read_file(file))
    values = convert(file, image, Conversion(**known | {"size": size_of(data)}), tally)
    count_scaled(image.size, size_of(data), tally)
    values = in_channels(values, data["image_shape"][0], tally)
    pixels = torch.from_numpy(values.copy()).float().div(255).permute(2, 0, 1)
    mean, std = (torch.tensor(values).reshape(-1, 1, 1) for values in (data["mean"], data["std"]))
    return ((pixels - mean) / std)[None]
