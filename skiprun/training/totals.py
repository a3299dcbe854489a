"""Running totals of an epoch, kept on the device until the epoch ends."""

from __future__ import annotations

import torch
from torch import Tensor


class EpochTotals:
    """Sums over the steps of an epoch, float64 on the device.

    Attributes:
        loss: of the steps' losses.
        steps: number of steps.
        clipped: number of steps whose gradient was clipped.
        counts: what the task counts, such as right answers; empty before the first batch.
    """

    def __init__(self, device: torch.device) -> None:
        self.loss, self.steps, self.clipped = torch.zeros(3, dtype=torch.float64, device=device).unbind()
        self.counts = torch.zeros(0, dtype=torch.float64, device=device)

    def add_batch(self, counts: Tensor) -> None:
        """Add what the task counted in a batch; in place, as a CUDA graph knows tensors by their address."""
        if not len(self.counts):
            self.counts = torch.zeros(len(counts), dtype=torch.float64, device=counts.device)
        self.counts += counts

    def add_step(self, loss: Tensor, clipped: Tensor | None) -> None:
        """Add a step: its mean loss, and 1 if its gradient was clipped."""
        self.loss += loss.double()
        self.steps += 1
        if clipped is not None:
            self.clipped += clipped

    def fetch(self) -> tuple[float, float, int]:
        """Return the mean loss, the share of steps that were clipped, and the number of steps."""
        loss, clipped, steps = torch.stack([self.loss, self.clipped, self.steps]).tolist()
        return loss / steps, clipped / steps, round(steps)

    def reset(self) -> None:
        """Begin another epoch."""
        for total in self.state_dict().values():
            total.zero_()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the tensors by name."""
        counts = {"counts": self.counts} if len(self.counts) else {}
        return {"loss": self.loss, "steps": self.steps, "clipped": self.clipped, **counts}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the tensors by name."""
        here = {name: total.to(self.loss.device) for name, total in state.items()}
        self.loss, self.steps, self.clipped = here["loss"], here["steps"], here["clipped"]
        self.counts = here.get("counts", self.loss.new_zeros(0))
