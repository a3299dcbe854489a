"""Predict labels or masks of images by a finished run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from skiprun.config import Count
from skiprun.display.anywhere import open_board
from skiprun.errors import InputError
from skiprun.experiment.finished import load_run
from skiprun.experiment.predictors import load_segmenter, network_on
from skiprun.inference.input_files import find_inputs
from skiprun.inference.labels import predict_labels
from skiprun.inference.masks import write_masks
from skiprun.inference.output_files import MaskFolder, name_outputs
from skiprun.inference.predictions import Prediction
from skiprun.run import Run
from skiprun.run.documents import ScoredData
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback


@checked_arguments
def predict(
    run: Run | Path | str,
    images: Sequence[Path | str] | Path | str,
    *,
    top: Count = 3,
    out: Path | str = "predictions",
    overlay: bool = False,
    overwrite: bool = False,
    skip_bad: bool = False,
    device: str = "auto",
    runs: Path | str | None = None,
    progress: ProgressCallback | bool = False,
) -> list[Prediction]:
    """Label images, or write their masks, with the best weights of a run; what `skiprun predict` does.

        for found in skiprun.predict("flowers", ["photos/"]):
            print(found["file"], found["label"], found["probability"])

    Args:
        run: a finished run, by object, directory or name.
        images: images of any size, or folders of them.
        top: number of labels of each image, the most likely first.
        out: of a run that segments: the folder that masks are written to, as PNG.
        overlay: write the image with its mask laid over it, too.
        overwrite: replace files that are there.
        skip_bad: return an image that cannot be used with a 'problem', instead of an error.
        device: auto, cpu or cuda.
        runs: the folder of all runs; None: $SKIPRUN_RUNS, or runs/.
        progress: True shows how far it is; or somebody who is told of (done, total, what).

    Raises:
        BadImage, BadImages: all images that cannot be used, by name.
        InputError: there is nothing to read, or a file would be replaced.
    """
    opened = run if isinstance(run, Run) else load_run(run, runs)
    files = [images] if isinstance(images, Path | str) else images
    with open_board(progress is True) as board:
        told = progress if callable(progress) else board.loading or (lambda *_: None)
        if opened.summary()["data"]["task"] == "segmentation":
            folder = MaskFolder(Path(out).expanduser(), overlay, overwrite)
            return list(predict_masks(opened, files, folder, skip_bad, told, device))
        if overlay:
            raise InputError(
                "--overlay (overlay=True in Python) is for runs that find masks; this one labels images."
            )
        return list(label_images(opened, files, top, skip_bad, told, device))


@checked_arguments
def label_images(
    run: Run,
    files: Sequence[Path | str],
    top: Count = 3,
    skip_bad: bool = False,
    progress: ProgressCallback = lambda *_: None,
    device: str = "auto",
) -> Iterator[Prediction]:
    """Return for each image, as it comes, its file, label, probability and `top` labels, by the best weights.

    Args:
        run: a finished run that labels images.
        files: images, or folders of them.
        top: number of labels, the most likely first.
        skip_bad: yield an image that cannot be used with a 'problem', instead of an error.
        progress: told of (done, total, what).
        device: auto, cpu or cuda.

    Raises:
        BadImage, BadImages: all images that cannot be used, by name.
        InputError: there is nothing to read, or the run finds masks.
    """
    data = data_of(run, "classification", "label images")
    return predict_labels(network_on(run, device), data, find_inputs(files), top, skip_bad, progress)


def data_of(run: Run, task: str, ability: str) -> ScoredData:
    """Return what a finished run recorded of its data, if it was trained for a task."""
    data = run.summary()["data"]
    if data["task"] != task:
        raise InputError(f"Run {run.path} does not {ability}; its task is {data['task']}.")
    return data


@checked_arguments
def predict_masks(
    run: Run,
    files: Sequence[Path | str],
    folder: MaskFolder,
    skip_bad: bool = False,
    progress: ProgressCallback = lambda *_: None,
    device: str = "auto",
) -> Iterator[Prediction]:
    """Write the mask of each image into a folder, by a run's best weights; see `write_masks`.

    Args:
        run: a finished run that finds masks.
        files: images, or folders of them, whose tree is kept below the folder.
        folder: where to, and how.
        skip_bad: yield an image that cannot be used with a 'problem', instead of an error.
        progress: told of (done, total, what).
        device: auto, cpu or cuda.

    Raises:
        InputError: there is nothing to read, the run labels images, or a file would be replaced.
        StorageError: the folder cannot be written to.
    """
    data_of(run, "segmentation", "find masks")
    inputs = find_inputs(files)
    outputs = name_outputs(inputs, folder)
    return write_masks(load_segmenter(run, device), inputs, outputs, skip_bad, progress)
