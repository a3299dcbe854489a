"""One label a pixel: cross entropy and Dice, scored by overlap, by boundary and by pixel.

    iou     |P and T| / |P or T|, dice  2 |P and T| / (|P| + |T|), over all pixels of a split together
    boundary    F = 2 precision recall / (precision + recall) of boundary pixels (BF of Csurka et al. 2013)
    pixel_error     share of the pixels that are wrong

A boundary pixel belongs to a class and has a pixel of another among its eight neighbours; the image's edge is no
boundary, and pixels beside void are left out. It is found where the other side has a boundary pixel within
`boundary_tolerance` rows and columns: in a square of side 2 n + 1, not in a disc. Precision and recall are of the
boundary pixels of a split together; Csurka et al. take a radius, and the mean over images.

Two classes are scored by the second, the object. More are scored by the mean over the classes that occur, and by class.
Where there is nothing to score (no pixel of a class in masks and predictions, void alone) the score is NaN: no score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from skiprun.registry import TASKS
from skiprun.tasks.base import Task

# What a mask says of a pixel that neither teaches nor counts.
VOID = 255


@TASKS.register("segmentation")
class Segmentation(Task):
    """Loss and scores of logits [N, K, H, W] against masks [N, H, W].

    One logit stands for two classes. Logits [heads, N, K, H, W] are those of deep supervision: losses are averaged over
    the heads, and their mean is scored. Masks [N, 2, H, W] bring how near each pixel is to two objects, 0 to 255.
    """

    score_name = "iou"
    better: Literal["lower", "higher"] = "higher"

    def __init__(
        self,
        loss: Literal["cross_entropy", "dice", "sum"] = "sum",
        border_weight: float = 0.0,
        boundary_tolerance: int = 1,
        label_smoothing: float = 0.0,
    ) -> None:
        self.kind, self.border_weight, self.smoothing = loss, border_weight, label_smoothing
        self.tolerance = boundary_tolerance

    def sizes(self, target: Tensor) -> Tensor:
        """Return the number of pixels with a label, for cross entropy, and of images, for Dice."""
        pixels = (classes_of(target) != VOID).sum()
        images = torch.full_like(pixels, len(target))
        return torch.stack({"cross_entropy": [pixels], "dice": [images], "sum": [pixels, images]}[self.kind])

    def losses(self, output: Tensor, target: Tensor, sizes: Tensor, training: bool) -> Tensor:
        """Return the terms, means over pixels for cross entropy and over images for Dice; over the heads, if any."""
        heads = output.float() if output.ndim == 5 else output.float()[None]
        truth = classes_of(target)
        valid = truth != VOID
        known, weight = truth.where(valid, 0), valid.float()
        if training and target.ndim == 4:
            weight = weight * (1 + self.border_weight / 255 * target[:, 1])
        smoothing = self.smoothing if training else 0.0
        sums = [self._sums(head, known, valid, weight, smoothing) for head in heads]
        return torch.stack(sums).mean(0) / sizes.clamp(min=1)

    def _sums(self, logits: Tensor, truth: Tensor, valid: Tensor, weight: Tensor, smoothing: float) -> Tensor:
        """Return the terms of one head, summed over a batch."""
        terms = []
        if self.kind != "dice":
            terms.append((cross_entropy(logits, truth, smoothing) * weight).sum())
        if self.kind != "cross_entropy":
            terms.append(len(truth) - soft_dice(logits, truth, valid).sum())
        return torch.stack(terms)

    def counts(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the confusion matrix, true by predicted, and four boundary counts for each class but the first."""
        output = output.float().mean(0) if output.ndim == 5 else output
        truth, predicted = classes_of(target), decide(output)
        number = max(2, output.shape[1])
        valid = truth != VOID
        # Void pixels go into one more cell, which is dropped: selecting them would wait for the device.
        cell = torch.where(valid, truth * number + predicted, number * number).flatten()
        matrix = torch.zeros(number * number + 1, dtype=torch.float64, device=cell.device)
        matrix.scatter_add_(0, cell, torch.ones_like(cell, dtype=torch.float64))
        boundaries = [
            boundary_counts(predicted == each, truth == each, valid, self.tolerance) for each in range(1, number)
        ]
        return torch.cat([matrix[:-1], *boundaries])

    def scores(self, counts: Tensor) -> dict[str, float]:
        number = math.isqrt(len(counts) + 8) - 2  # K * K + 4 (K - 1) counts
        matrix, boundaries = counts[: number**2].view(number, number), counts[number**2 :].view(-1, 4)
        true, predicted, both = matrix.sum(1), matrix.sum(0), matrix.diagonal()
        iou = ratios(both, true + predicted - both)
        dice = ratios(2 * both, true + predicted)
        first = 1 if number == 2 else 0
        scores = {
            "iou": mean_of_known(iou[first:]),
            "dice": mean_of_known(dice[first:]),
            "boundary": mean_of_known([f_score(row) for row in boundaries.tolist()]),
            "pixel_error": 1 - (both.sum() / matrix.sum()).item(),
        }
        by_class = {f"iou_class_{index}": value for index, value in enumerate(iou) if value is not None}
        return scores | (by_class if number > 2 else {})


def constant_scores(pixels: Sequence[int]) -> dict[str, float]:
    """Return the best that one class everywhere reaches in each score: the floor below which nothing was learned.

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


def classes_of(target: Tensor) -> Tensor:
    """Return the classes of masks [N, H, W], with or without a second plane, as int64."""
    return (target[:, 0] if target.ndim == 4 else target).long()


def shows_anything(target: Tensor) -> bool:
    """Say whether masks have a pixel that is neither background nor void."""
    classes = classes_of(target)
    return bool(((classes > 0) & (classes != VOID)).any())


def decide(output: Tensor) -> Tensor:
    """Return the class of each pixel, int64 [N, H, W], from logits."""
    return (output[:, 0] > 0).long() if output.shape[1] == 1 else output.argmax(1)


def cross_entropy(logits: Tensor, truth: Tensor, smoothing: float) -> Tensor:
    """Return the cross entropy of each pixel, [N, H, W]."""
    if logits.shape[1] > 1:
        # As F.cross_entropy, which has no repeatable kernel for images on a GPU.
        logs = logits.log_softmax(1)
        return -torch.lerp(logs.gather(1, truth[:, None])[:, 0], logs.mean(1), smoothing)
    share = truth * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits[:, 0], share, reduction="none")


def soft_dice(logits: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """Return the Dice of the probabilities of each image, [N], the mean over classes; of the object if there are two.

    One is added above and below the line, so that a class that is nowhere costs nothing.
    """
    if logits.shape[1] == 1:
        shares, true = logits.sigmoid(), truth[:, None].float()
    else:
        shares = logits.softmax(1)
        true = F.one_hot(truth, logits.shape[1]).permute(0, 3, 1, 2).float()
    shares, true = shares * valid[:, None], true * valid[:, None]
    both, all_of_them = (shares * true).sum((2, 3)), (shares + true).sum((2, 3))
    return ((2 * both + 1) / (all_of_them + 1)).mean(1)


def boundary_counts(predicted: Tensor, truth: Tensor, valid: Tensor, tolerance: int) -> Tensor:
    """Return [found, predicted, covered, true] numbers of boundary pixels of one class, from bool [N, H, W].

    Pixels beside void are left out: where an object ends there is not known.
    """
    masks = torch.stack([predicted & valid, truth & valid, ~valid], 1).float()
    outside_and_void = grow(torch.cat([1 - masks[:, :2], masks[:, 2:]], 1), 1)
    edges = masks[:, :2] * outside_and_void[:, :2] * (1 - outside_and_void[:, 2:])
    near = grow(edges, tolerance)
    found, covered = edges[:, 0] * near[:, 1], edges[:, 1] * near[:, 0]
    return torch.stack([each.sum(dtype=torch.float64) for each in (found, edges[:, 0], covered, edges[:, 1])])


def grow(masks: Tensor, pixels: int) -> Tensor:
    """Return masks [N, C, H, W] grown by some pixels to all sides; the image's edge does not grow inwards."""
    return F.max_pool2d(masks, 2 * pixels + 1, stride=1, padding=pixels) if pixels else masks


def f_score(counts: list[float]) -> float | None:
    """Return the harmonic mean of precision and recall of boundary pixels, or None where there are none."""
    found, predicted, covered, true = counts
    if not predicted and not true:
        return None
    precision, recall = found / max(predicted, 1), covered / max(true, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def ratios(above: Tensor, below: Tensor) -> list[float | None]:
    """Return one number a class, None for a class that is neither there nor predicted."""
    return [a / b if b else None for a, b in zip(above.tolist(), below.tolist(), strict=True)]


def mean_of_known(values: list[float | None]) -> float:
    """Return the mean over the classes that occur, NaN where none does."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan
