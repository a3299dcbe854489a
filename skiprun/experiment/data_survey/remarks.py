"""What a person should know of a dataset before training on it, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from skiprun.config import DataConfig
from skiprun.data import Loaders
from skiprun.errors import percent, some
from skiprun.experiment.data_survey.image_files import ImageFiles
from skiprun.results.numbers import significant
from skiprun.results.test_images import error_step, standard_error, told_apart

FEW = 20  # training images of a class, below which it is named
UNEQUAL = 3.0  # times as many images as the smallest class has
SUSPICIOUS = 0.9  # of what the largest class leaves wrong
FEW_TESTED = 1000
FOLDS = 5
AN_ERROR = 10.0  # percent
RARE = 0.01  # of the pixels
LONG = 8  # times the side that images are brought to


class Remark(NamedTuple):
    """A sentence about a dataset, and whether it may make results worthless."""

    text: str
    suspicious: bool = False


def remarks(
    counts: Mapping[str, Sequence[int]],
    loaders: Loaders,
    files: ImageFiles | None,
    colour: float,
    config: DataConfig,
) -> Iterator[Remark]:
    """Yield what is worth knowing of a dataset beside what reading it told."""
    if loaders.task == "segmentation":
        yield from _of_masks(loaders)
    else:
        yield from _of_classes(counts["train"], loaders.class_names)
        yield from _of_test(sum(counts["test"]), max(counts["test"]), config.folds)
        yield from _of_colour(colour, max(counts["train"]) / sum(counts["train"]))
    if files:
        yield from _of_kinds(files)
        yield from _of_sizes(files, config.resize_size or config.image_size)


def _of_classes(counts: Sequence[int], names: Sequence[str]) -> Iterator[Remark]:
    """Say whether classes are unequal or small."""
    found = {name: count for name, count in zip(names, counts, strict=True) if count}
    largest, smallest = max(found, key=found.__getitem__), min(found, key=found.__getitem__)
    times = found[largest] / found[smallest]
    if times >= UNEQUAL:
        yield Remark(f"{largest} has {times:.1f} times the training images of {smallest}.", True)
    if few := [f"{name} {count}" for name, count in found.items() if count < FEW]:
        those = f"{len(few)} of {len(names)} classes have less than {FEW} training images"
        yield Remark(f"{those}: {some(few)}.", True)


def _of_test(images: int, most: int, folds: int | None) -> Iterator[Remark]:
    """Say what the test split can tell."""
    step, noise, apart = (
        significant(points, 2)
        for points in (error_step(images), standard_error(AN_ERROR, images), told_apart(AN_ERROR, images))
    )
    yield Remark(f"Always saying the largest class errs {percent(1 - most / images, 1)} on test.")
    yield Remark(
        f"One of {images:,} test images is {step} points of error. At an error of {AN_ERROR:g} % the "
        f"standard error is {noise} points, and a difference of {apart} points or more is beyond chance."
        + f" `skiprun compare ... --folds {FOLDS}` tests all images."
        * (images < FEW_TESTED and not folds)
    )


def _of_colour(right: float, largest: float) -> Iterator[Remark]:
    """Say how far a network could come without seeing what is shown."""
    if math.isnan(right):
        return
    much = _is_much(right, largest)
    yield Remark(
        f"Mean and spread of the colours alone tell {percent(right)} of train right (cross-validated), the "
        f"largest class {percent(largest)}."
        + " A network may learn light or background, and not what is shown."
        * much,
        much,
    )


def _of_kinds(files: ImageFiles) -> Iterator[Remark]:
    """Say whether the files of a class can be told without looking into them."""
    if len(files.modes) > 1:
        listed = ", ".join(f"{mode} {count:,}" for mode, count in files.modes.most_common())
        yield Remark(f"The files have several modes: {listed}.")
    if files.labels:
        right, largest = files.told_by_kind, files.largest_class
        if _is_much(right, largest):
            yield Remark(
                f"Size and mode of the files alone tell {percent(right)} of them right, the largest class "
                f"{percent(largest)}: the classes were made in different ways, which a network may learn.",
                True,
            )


def _is_much(right: float, largest: float) -> bool:
    """Tell whether most of what the largest class leaves wrong is right."""
    return largest < 1 and (right - largest) / (1 - largest) >= SUSPICIOUS


def _of_masks(loaders: Loaders) -> Iterator[Remark]:
    """Say which classes have most and few pixels."""
    found = dict(zip(loaders.class_names, loaders.pixels["train"], strict=False))  # without void
    total = sum(found.values())
    largest = max(found, key=found.__getitem__)
    yield Remark(f"{largest} is {percent(found[largest] / total, 1)} of the training pixels.")
    rare = [f"{name} {percent(n / total, 2)}" for name, n in found.items() if n < RARE * total]
    if rare:
        yield Remark(f"Less than {percent(RARE)} of the training pixels are {some(rare)}.", True)


def _of_sizes(files: ImageFiles, side: int | None) -> Iterator[Remark]:
    """Say what bringing files to one size does to them."""
    if side is None:
        return
    if small := files.smaller_than(side):
        yield Remark(f"{small:,} of {len(files.kinds):,} images are smaller than {side} pixels: enlarged.")
    longest = max(max(size) for size in files.sizes)
    if longest >= LONG * side:
        yield Remark(
            f"Images of up to {longest:,} pixels are brought to {side}: what is small in them is lost.", True
        )
