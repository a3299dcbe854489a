"""The base class of tasks: the contract between a problem and the training loop."""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Return values of less than 32 bits in float32, and others as they are."""
    return values if values.dtype == torch.float64 else values.float()


class Task(Protocol):
    """A problem: how wrong an output is, for the optimizer and for people.

    The loss is a sum of terms, each a mean over something that targets have: images, or pixels with a label.
    How much of that a batch has is counted apart, so that parts of a step, or of a split, are weighed as if
    they were one batch. Scores are functions of additive counts, so that batches, processes and both parts of
    a continued run are summed
    without rounding: the counts are one small float64 vector on the device.
    """

    score_name: str
    better: Literal["lower", "higher"]
    terms: int

    def normalizers(self, target: Tensor, training: bool = False) -> Tensor:
        """Return what each loss term is divided by, such as the number of labelled pixels, [terms].

        Args:
            target: of a batch, or of a part of one.
            training: where classes have weights, the sum of those of the labels.
        """

    def losses(self, output: Tensor, target: Tensor, normalizers: Tensor, training: bool) -> Tensor:
        """Return the loss terms [terms], each a sum over this batch divided by its entry of `normalizers`.

        Args:
            output: of a batch, or of a part of one.
            target: what it should be.
            normalizers: of the whole batch, [terms].
            training: with what is there to train better: label smoothing, weights of classes and borders.
        """

    def loss(self, output: Tensor, target: Tensor, normalizers: Tensor | None = None) -> Tensor:
        """Return what training lowers: a batch's loss, or a part's share by the batch's `normalizers`."""
        if normalizers is None:
            normalizers = self.normalizers(target, training=True)
        return self.losses(output, target, normalizers, training=True).sum()

    def counts(self, output: Tensor, target: Tensor) -> Tensor:
        """Return what the scores need of a batch, as a vector that may be summed over batches."""

    def of_each_image(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return what is kept of each image of a batch, by name, on the device: one row an image.

        Where that is 'counts', the scores of the image are what is kept in the end.
        """

    def scores(self, counts: Tensor) -> dict[str, float]:
        """Return the scores of summed counts, by name; NaN where there is nothing to score."""
