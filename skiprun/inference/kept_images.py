"""Keep what a network says of each image of a split while the split is scored.

Everything stays on the device until the end, and is fetched at once: a batch waits for nothing. That takes
as much of its memory as the arrays, which are a few numbers an image, and logits up to a bound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from skiprun.system.ranks import Ranks
from skiprun.tasks import Task

MOST_BYTES = 32_000_000  # of logits: 10,000 images of 1,000 classes have 20 MB in float16
COUNTS, LOGITS = "counts", "logits"
Keep = Callable[[Tensor, Tensor], None]


class KeptImages:
    """What a task keeps of each image, batch by batch.

    Attributes:
        logits_bytes: what logits take, or would take; above MOST_BYTES they are not kept.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.logits_bytes = task, 0
        self.batches: list[dict[str, Tensor]] = []

    def __call__(self, output: Tensor, target: Tensor) -> None:
        """Keep a batch."""
        kept = self.task.of_each_image(output, target)
        self.logits_bytes += kept[LOGITS].nbytes if LOGITS in kept else 0
        self.batches.append(kept)
        self._drop_logits()

    def take_in(self, ranks: Ranks) -> None:
        """Take in what the other ranks have kept, batch by batch."""
        self.batches = ranks.in_turn(self.batches)
        self.logits_bytes = sum(ranks.in_turn([self.logits_bytes]))
        self._drop_logits()

    def _drop_logits(self) -> None:
        if self.logits_bytes > MOST_BYTES:
            for batch in self.batches:
                batch.pop(LOGITS, None)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all of it by name, one row an image; of counts, the scores that they give."""
        arrays = {name: torch.cat([batch[name] for batch in self.batches]).cpu() for name in self.batches[-1]}
        if COUNTS not in arrays:
            return {name: array.numpy() for name, array in arrays.items()}
        scores = [self.task.scores(counts) for counts in arrays[COUNTS]]
        of_all = [name for name in scores[0] if "_class_" not in name]
        return {name: np.array([each[name] for each in scores]) for name in of_all}

    def total(self) -> Tensor:
        """Return the counts of all images together, on the CPU."""
        return torch.cat([batch[COUNTS] for batch in self.batches]).sum(0).cpu()

    @property
    def note(self) -> str:
        """Say that logits were too large to keep; nothing where they were not."""
        if self.logits_bytes <= MOST_BYTES:
            return ""
        return (
            f"test.npz keeps the predicted label of each image and its probability; logits would take "
            f"{self.logits_bytes / 1e6:.0f} MB, and up to {MOST_BYTES / 1e6:.0f} are kept."
        )
