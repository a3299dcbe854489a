"""Write a scored split as a page, with the images on which the network did worst."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from skiprun.data import Split
from skiprun.data.augmentation.resized_crops import center_crop
from skiprun.data.source import Array
from skiprun.errors import percent
from skiprun.experiment.parts import Parts
from skiprun.experiment.scoring import Evaluation
from skiprun.reports.evaluation import EvaluationPage, ShownImage
from skiprun.results.split_results import ImageScore, LabelResults, WrongImage
from skiprun.system.arguments import checked_arguments
from skiprun.training.views.overlays import draw_overlays

ROWS = 8  # of masks
SIDE = 256  # pixels that an image takes at most


@checked_arguments
def write_evaluation(evaluation: Evaluation, name: str, folder: Path | str) -> Path:
    """Write a page, its figures and a table of all images into a folder; return the page.

    Args:
        evaluation: of a split.
        name: what was scored.
        folder: is made; files of these names there are replaced.

    Raises:
        StorageError: the folder cannot be written.
    """
    parts, results = evaluation.parts, evaluation.results
    split = {"train": parts.loaders.train, "val": parts.loaders.val, "test": parts.loaders.test}[
        evaluation.split
    ]
    called = partial(parts.loaders.image_name, evaluation.split)
    if isinstance(results, LabelResults):
        images = wrong_images(parts, split, results.worst, called)
    else:
        images = worst_masks(parts, split, results.worst[:ROWS], called)
    names = parts.loaders.class_names
    title = f"{name}, {evaluation.split}"
    page = EvaluationPage(title, evaluation.scores, names, results, images)
    return page.write(Path(folder), image_columns(evaluation))


def image_columns(evaluation: Evaluation) -> dict[str, Array]:
    """Return what is known of each image, a column each, with names of classes for their numbers."""
    kept, loaders, found = evaluation.images, evaluation.parts.loaders, dict[str, Array]()
    if loaders.files.get(evaluation.split, (None, None))[0]:
        count = len(next(iter(kept.values())))
        found["file"] = np.array([loaders.image_name(evaluation.split, place) for place in range(count)])
    if not isinstance(evaluation.results, LabelResults):
        return found | dict(kept)
    names = np.array(loaders.class_names)
    found |= {"label": names[kept["labels"]], "predicted": names[kept["predicted"]]}
    return found | {name: kept[name] for name in ("probability", "rank")}


def as_index(parts: Parts, places: Sequence[int]) -> Tensor:
    """Return places in a split as the loaders take them."""
    return torch.tensor(places, dtype=torch.long, device=parts.loaders.index_device)


def wrong_images(
    parts: Parts, split: Split, wrong: Sequence[WrongImage], called: Callable[[int], str]
) -> list[ShownImage]:
    """Return images with both labels and the probability of the wrong one."""
    if not wrong:
        return []
    images, _ = split.take(as_index(parts, [each.image for each in wrong]))
    seen = center_crop(images, *parts.loaders.image_shape[1:]).permute(0, 2, 3, 1).cpu().numpy()
    return [
        ShownImage(
            image_png(image),
            f"{called(each.image)}: {each.name} taken for {each.predicted}, {percent(each.probability, 1)}",
        )
        for image, each in zip(seen, wrong, strict=True)
    ]


def worst_masks(
    parts: Parts, split: Split, worst: Sequence[ImageScore], called: Callable[[int], str]
) -> list[ShownImage]:
    """Return image, truth, prediction and errors beside each other, with the score."""
    score = parts.task.score_name
    return [
        ShownImage(
            draw_overlays(parts.model, parts.loaders, split, as_index(parts, [each.image]), parts.setup),
            f"{called(each.image)}: {score} {each.score:.4f}",
        )
        for each in worst
    ]


def image_png(image: Array) -> bytes:
    """Return an image uint8 [H, W, C] as PNG, as small as a page needs it; of many channels three."""
    shown = image[..., 0] if image.shape[2] < 3 else np.ascontiguousarray(image[..., :3])
    picture = Image.fromarray(shown)
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, format="png")
    return buffer.getvalue()
