"""Images to predict of: found below what is named, read one by one; what cannot be used is told by name."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from skiprun.data.folders.masks import THREADS
from skiprun.data.folders.opening import SUFFIXES
from skiprun.errors import BadImage, InputError, did_you_mean, refuse
from skiprun.inference.predictions import Prediction
from skiprun.system.progress import ProgressCallback

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Input:
    """An image.

    Attributes:
        file: where it is.
        name: its path below the folder that was named, or its name alone.
    """

    file: Path
    name: Path


def find_inputs(given: Sequence[Path | str]) -> list[Input]:
    """Return the images that files and folders name; folders with all folders in them, by name.

    Raises:
        InputError: nothing is there, or a folder holds no image.
    """
    if not given:
        raise InputError("There is nothing to read; name images, or folders of them.")
    return [each for path in given for each in _named_by(Path(path).expanduser())]


def _named_by(path: Path) -> list[Input]:
    """Return the image that a file is, or those of a folder."""
    if path.is_file():
        return [Input(path, Path(path.name))]
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: it is not an ordinary file, as an image is.")
    if not path.is_dir():
        near = did_you_mean(path.name, [each.name for each in path.parent.glob("*")])
        raise InputError(f"{path}: there is no such file or folder.{near}")
    files = sorted(files_below(path))
    images = [Input(file, file.relative_to(path)) for file in files if file.suffix.lower() in SUFFIXES]
    others = Counter(
        file.suffix.lower() or "without ending" for file in files if file.suffix.lower() not in SUFFIXES
    )
    listed = ", ".join(f"{number:,} {ending}" for ending, number in others.most_common(5))
    if not images:
        raise InputError(
            f"{path} holds no images; found {listed or 'nothing'}. Known: {' '.join(sorted(SUFFIXES))}."
        )
    if others:
        log.info(f"Not read in {path}, no images by their names: {listed}.")
    return images


def read_each(
    inputs: Sequence[Input], read: Callable[[Path], T], skip_bad: bool, progress: ProgressCallback
) -> Iterator[tuple[T | None, Prediction]]:
    """Yield each image with its file; for one that cannot be used, None and its 'problem'.

    Args:
        inputs: the images.
        read: gives the image in a file.
        skip_bad: whether an image that cannot be used may be left out.
        progress: told of (done, total, what).

    Raises:
        BadImage, BadImages: all that cannot be used, by name; after the first, no image is given any more.
    """
    bad: list[BadImage] = []
    for number, each in enumerate(inputs, 1):
        progress(number, len(inputs), "images")
        row: Prediction = {"file": str(each.file)}
        try:
            image = read(each.file)
        except BadImage as problem:
            if skip_bad:
                yield None, {**row, "problem": problem.problem}
            else:
                bad.append(problem)
        else:
            if not bad:
                yield image, row
    refuse(bad)


def refuse_bad(inputs: Sequence[Input], read: Callable[[Path], object]) -> None:
    """Refuse images that cannot be used, all at once, before anything is written."""
    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = pool.map(lambda each: problem_of(each.file, read), inputs)
        refuse([problem for problem in outcomes if problem])


def problem_of(file: Path, read: Callable[[Path], object]) -> BadImage | None:
    """Return why an image cannot be used; None where it can."""
    try:
        read(file)
    except BadImage as problem:
        return problem
    return None


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and those in it, without hidden ones; no link to a folder is followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not name.startswith("."))
