"""The contract between a problem and the loop."""

from __future__ import annotations

from typing import Literal, Protocol

from torch import Tensor


class Task(Protocol):
    """A problem: how wrong an output is, for the optimizer and for people.

    Scores are functions of additive counts, so that batches, processes and both parts of a continued run are summed
    without rounding: the counts are one small float64 vector on the device.
    """

    score_name: str
    better: Literal["lower", "higher"]

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of a batch."""

    def counts(self, output: Tensor, target: Tensor) -> Tensor:
        """Return what the scores need of a batch, as a vector that may be summed over batches."""

    def scores(self, counts: Tensor) -> dict[str, float]:
        """Return the scores of summed counts, by name."""
