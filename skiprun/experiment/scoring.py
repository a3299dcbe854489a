"""Score a split of what was rebuilt, and say where it is right and wrong."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from skiprun.config import Count
from skiprun.data.source import Array
from skiprun.errors import explain_out_of_memory
from skiprun.experiment.finished import check_split
from skiprun.experiment.parts import Parts
from skiprun.inference.evaluate import evaluate_batches
from skiprun.inference.kept_images import Keep, KeptImages
from skiprun.inference.split_results import label_results, mask_results
from skiprun.results.split_results import LabelResults, MaskResults
from skiprun.system.arguments import checked_arguments


@checked_arguments
def score(
    parts: Parts, split: str, batch_size: Count | None = None, keep: Keep | None = None
) -> dict[str, float]:
    """Return loss and scores of a split of what was rebuilt, in batches as large as training allows.

    Args:
        parts: what was rebuilt.
        split: train, val or test.
        batch_size: images at once; None: what a training step has memory for.
        keep: is given outputs and targets of each batch.
    """
    check_split(split)
    batches = parts.loaders.batches(split, batch_size or parts.evaluation_batch_size)
    with _scoring():
        return evaluate_batches(parts.model, parts.task, batches, parts.setup.autocast, keep=keep)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A split, scored.

    Attributes:
        parts: what was rebuilt.
        split: train, val or test.
        scores: loss and scores of the split.
        results: by class, confusion, confidence and image.
        images: what was kept of each image, by name, one row an image.
    """

    parts: Parts
    split: str
    scores: dict[str, float]
    results: LabelResults | MaskResults
    images: Mapping[str, Array]


@checked_arguments
def evaluate_in_detail(parts: Parts, split: str) -> Evaluation:
    """Score a split of what was rebuilt, and say where it is right and wrong, in one pass."""
    kept = KeptImages(parts.task)
    scores, names = score(parts, split, keep=kept), parts.loaders.class_names
    images = kept.arrays()
    if parts.loaders.task == "segmentation":
        results = mask_results(kept.total(), images[parts.task.score_name], names)
        return Evaluation(parts, split, scores, results, images)
    return Evaluation(parts, split, scores, label_results(images, names), images)


def _scoring() -> AbstractContextManager[None]:
    return explain_out_of_memory("in the evaluation", "Free some, or give evaluate() a smaller batch_size.")
