"""One label a pixel: cross entropy and Dice, scored by overlap, by boundary and by pixel.

    iou     |P and T| / |P or T|, dice  2 |P and T| / (|P| + |T|), over all pixels of a split together
    boundary    F = 2 precision recall / (precision + recall) of boundary pixels (BF of Csurka et al. 2013)
    pixel_error     share of the pixels that are wrong

A boundary pixel belongs to a class and has a pixel of another among its eight neighbours; the image's edge is
no boundary, and pixels beside void are left out. It is found where the other side has a boundary pixel within
`boundary_tolerance` rows and columns: in a square of side 2 n + 1, not in a disc. Precision and recall are of
the boundary pixels of a split together; Csurka et al. take a radius, and the mean over images.

Two classes are scored by the second, the object. More are scored by the mean over the classes that occur, and
by class. Where there is nothing to score (no pixel of a class in masks and predictions, void alone) the score
is NaN: no score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from skiprun.registry import TASKS
from skiprun.tasks.base import Task, at_least_float32
from skiprun.tasks.confusion import confusion_matrix
from skiprun.tasks.mask_scores import boundary_counts, f_score, mean_of_known, ratios
from skiprun.tasks.masks import VOID, classes_of, predicted_classes
from skiprun.tasks.pixel_losses import cross_entropy, soft_dice


@TASKS.register("segmentation")
class Segmentation(Task):
    """Loss and scores of logits [N, K, H, W] against masks [N, H, W].

    One logit stands for two classes. Logits [heads, N, K, H, W] are those of deep supervision: losses are
    averaged over the heads, and their mean is scored. Masks [N, 2, H, W] bring how near each pixel is to two
    objects, 0 to 255.
    """

    score_name = "iou"
    better: Literal["lower", "higher"] = "higher"

    def __init__(
        self,
        loss: Literal["cross_entropy", "dice", "sum"] = "sum",
        border_weight: float = 0.0,
        boundary_tolerance: int = 1,
        label_smoothing: float = 0.0,
        class_weights: Tensor | None = None,
    ) -> None:
        self.kind, self.border_weight, self.smoothing = loss, border_weight, label_smoothing
        self.class_weights = class_weights
        self.tolerance, self.terms = boundary_tolerance, 2 if loss == "sum" else 1

    def normalizers(self, target: Tensor, training: bool = False) -> Tensor:
        """Return the pixels with a label, or the sum of their weights, for cross entropy; images for Dice."""
        truth = classes_of(target)
        valid = truth != VOID
        pixels = valid.sum()
        if training and self.class_weights is not None:
            pixels = (self.class_weights[truth.where(valid, 0)] * valid).sum()
        images = torch.full_like(pixels, len(target))
        return torch.stack({"cross_entropy": [pixels], "dice": [images], "sum": [pixels, images]}[self.kind])

    def losses(self, output: Tensor, target: Tensor, normalizers: Tensor, training: bool) -> Tensor:
        """Return the terms, means over pixels for cross entropy, over images for Dice; over heads, if any."""
        heads = at_least_float32(output if output.ndim == 5 else output[None])
        truth = classes_of(target)
        valid = truth != VOID
        known, weight = truth.where(valid, 0), valid.float()
        if training and target.ndim == 4:
            weight = weight * (1 + self.border_weight / 255 * target[:, 1])
        sums = [self._sums(head, known, valid, weight, training) for head in heads]
        return torch.stack(sums).mean(0) / normalizers.where(normalizers > 0, 1)

    def _sums(self, logits: Tensor, truth: Tensor, valid: Tensor, weight: Tensor, training: bool) -> Tensor:
        """Return the terms of one head, summed over a batch."""
        terms = []
        if self.kind != "dice":
            better = (self.smoothing, self.class_weights) if training else (0.0, None)
            terms.append((cross_entropy(logits, truth, *better) * weight).sum())
        if self.kind != "cross_entropy":
            terms.append(len(truth) - soft_dice(logits, truth, valid).sum())
        return torch.stack(terms)

    def counts(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the confusion matrix, true by predicted, and four boundary counts of all but class 0."""
        output = output.float().mean(0) if output.ndim == 5 else output
        truth, predicted = classes_of(target), predicted_classes(output)
        number = max(2, output.shape[1])
        valid = truth != VOID
        matrix = confusion_matrix(truth, predicted, valid, number).flatten()
        boundaries = [
            boundary_counts(predicted == each, truth == each, valid, self.tolerance)
            for each in range(1, number)
        ]
        return torch.cat([matrix, *boundaries])

    def of_each_image(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return the counts of each image, [B, counts]."""
        return {"counts": torch.stack([*map(self.counts, output.split(1, -4), target.split(1))])}

    def scores(self, counts: Tensor) -> dict[str, float]:
        """Return IoU, Dice and boundary F-score, 0 to 1, and of more than two classes the IoU of each."""
        matrix = confusion_of(counts)
        number, both = len(matrix), matrix.diagonal()
        iou, dice = overlaps(matrix)
        boundaries = counts[number**2 :].view(-1, 4)
        first = 1 if number == 2 else 0
        scores = {
            "iou": mean_of_known(iou[first:]),
            "dice": mean_of_known(dice[first:]),
            "boundary": mean_of_known([f_score(row) for row in boundaries.tolist()]),
            "pixel_error": 1 - (both.sum() / matrix.sum()).item(),
        }
        by_class = {f"iou_class_{index}": value for index, value in enumerate(iou) if value is not None}
        return scores | (by_class if number > 2 else {})


def confusion_of(counts: Tensor) -> Tensor:
    """Return how many pixels have each true and predicted class, [K, K], of K * K + 4 (K - 1) counts."""
    number = math.isqrt(len(counts) + 8) - 2
    return counts[: number**2].view(number, number)


def overlaps(matrix: Tensor) -> tuple[list[float | None], list[float | None]]:
    """Return IoU and Dice of each class, None for one that is neither there nor predicted."""
    true, predicted, both = matrix.sum(1), matrix.sum(0), matrix.diagonal()
    return ratios(both, true + predicted - both), ratios(2 * both, true + predicted)


def constant_scores(pixels: Sequence[int]) -> dict[str, float]:
    """Return the best of one class everywhere in each score: the floor below which nothing was learned.

    Args:
        pixels: of each class of a split, without void.
    """
    number = len(pixels)
    # Such an answer has no boundary, so it finds none of those that there are.
    boundaries = torch.tensor([0, 0, 0, 1], dtype=torch.float64).repeat(number - 1)
    answers = []
    for answer in range(number):
        matrix = torch.zeros(number, number, dtype=torch.float64)
        matrix[:, answer] = torch.tensor(pixels)
        answers.append(Segmentation().scores(torch.cat([matrix.flatten(), boundaries])))
    best = {"iou": max, "dice": max, "boundary": max, "pixel_error": min}
    return {name: choose(scores[name] for scores in answers) for name, choose in best.items()}
