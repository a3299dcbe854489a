"""Score batches of a split by one CUDA graph, where the steps of a run are one."""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from skiprun.inference.evaluate import ScoreBatch, eager
from skiprun.training.acceleration.graph import StepGraph

log = logging.getLogger(__name__)

# A pass over more, 2,700 colour images of 32x32, takes longer than its launches, and its memory would stay.
MOST_VALUES = 1 << 23


class CapturedScores:
    """Scores batches: those of the first one's shape by a graph, after a few, and the others as they are.

    The first batch of the graph is scored both ways: a wrong score would choose a wrong checkpoint.
    """

    def __init__(self, device: torch.device) -> None:
        self.graph: StepGraph | None = StepGraph(device)
        self.shape: torch.Size | None = None
        self.is_proved = False

    def __call__(self, score_batch: ScoreBatch, images: Tensor, targets: Tensor) -> Tensor:
        """Return the sums of a batch."""
        self.shape = self.shape or images.shape
        if self.graph is None or images.shape != self.shape or images.numel() > MOST_VALUES:
            return eager(score_batch, images, targets)
        if self.graph.captured and not self.is_proved:
            return self._proved(self.graph, score_batch, images, targets)
        return self.graph(score_batch, images, targets)

    def _proved(self, graph: StepGraph, score_batch: ScoreBatch, images: Tensor, targets: Tensor) -> Tensor:
        """Return what a pass finds after a launch, of the same draws; give the graph up if that differs."""
        draws = torch.cuda.get_rng_state(images.device)
        row = graph(score_batch, images, targets)
        torch.cuda.set_rng_state(draws, images.device)
        expected = eager(score_batch, images, targets)
        self.is_proved = torch.allclose(row, expected, rtol=1e-3, equal_nan=True)
        if not self.is_proved:
            self.graph = None
            log.info("The evaluation goes on without a CUDA graph, which found other scores.")
        return expected
