"""One label an image: cross-entropy, scored by the error in percent."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from skiprun.registry import TASKS
from skiprun.tasks.base import Task, at_least_float32


@TASKS.register("classification")
class Classification(Task):
    """Cross-entropy of logits [N, classes] against labels [N], or probabilities [N, classes] after mixup."""

    score_name = "error"
    better: Literal["lower", "higher"] = "lower"
    terms = 1

    def __init__(self, label_smoothing: float = 0.0, class_weights: Tensor | None = None) -> None:
        self.label_smoothing, self.class_weights = label_smoothing, class_weights

    def normalizers(self, target: Tensor, training: bool = False) -> Tensor:
        """Return the number of images, or the sum of the weights of their labels, [1].

        Mixed labels count as images, as those of torch's cross entropy do.
        """
        if training and self.class_weights is not None and target.ndim == 1:
            return self.class_weights[target].sum().reshape(1)
        return torch.full((1,), len(target), device=target.device)

    def losses(self, output: Tensor, target: Tensor, normalizers: Tensor, training: bool) -> Tensor:
        """Return the cross-entropy, summed over the batch and divided by `normalizers`, [1]."""
        output, smoothing, weights = at_least_float32(output), 0.0, None
        if training:
            smoothing, weights = self.label_smoothing, self.class_weights
        if weights is not None:
            weights = weights.to(output.dtype)
        loss = F.cross_entropy(output, target, weights, label_smoothing=smoothing, reduction="sum")
        return loss / normalizers

    def counts(self, output: Tensor, target: Tensor) -> Tensor:
        """Return [wrong, seen]; a mixed image counts for its heavier label."""
        label = target if target.ndim == 1 else target.argmax(1)
        wrong = (output.argmax(1) != label).sum()
        return torch.stack([wrong, torch.full_like(wrong, len(label))]).double()

    def of_each_image(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return labels [B], their rank, predicted labels [B] with probability, logits [B, K] in float16.

        Labels are the same two that are counted; rounded logits alone could be tied. The rank is how many
        classes come before the label: 0 where it is the one that is predicted.
        """
        predicted = output.argmax(1)
        probability = output.float().softmax(1).gather(1, predicted[:, None])[:, 0]
        before = (output > output.gather(1, target.long()[:, None])).sum(1)
        largest = torch.finfo(torch.float16).max
        return {
            "labels": target.int(),
            "rank": before.where(predicted == target, before.clamp(min=1)).int(),
            "predicted": predicted.int(),
            "probability": probability,
            "logits": output.float().clamp(-largest, largest).half(),
        }

    def scores(self, counts: Tensor) -> dict[str, float]:
        """Return the error in percent; NaN where no image was seen."""
        wrong, seen = counts.tolist()
        return {"error": 100.0 * wrong / seen if seen else float("nan")}
