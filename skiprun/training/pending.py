"""Losses and rows of steps that are still on the device: asking for each would wait for each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from skiprun.system.progress import Record
from skiprun.training.host_copy import HostCopy

ROWS_PER_FETCH = 20


class PendingMetrics:
    """What steps found; each fetch asks once for all that came since the one before.

    On a GPU a fetch between steps gives what the one before it has sent: that has arrived long ago, and the
    device has work to do while the host writes. The first one waits, for a run that shows its first rows.
    """

    def __init__(self, tags: Sequence[str]) -> None:
        self.tags = ["train/loss", *tags]
        self.losses: list[Tensor] = []
        self.rows: list[tuple[Record, Tensor]] = []
        self.sent: list[Sent] = []
        self.fetched = False

    def add(self, metrics: Tensor, record: Record | None) -> None:
        """Add what a step found, its loss before what probes read; a record makes it a row of the log."""
        self.losses.append(metrics[0])
        if record is not None:
            self.rows.append((record, metrics))

    @property
    def is_full(self) -> bool:
        """Whether it is time to fetch."""
        return len(self.rows) >= ROWS_PER_FETCH

    def fetch(self, late: bool = False) -> Iterator[tuple[list[Record], int | None]]:
        """Yield rows, and how many steps ago a loss was not finite, for which there are none; else None.

        Args:
            late: leave the newest ones of a GPU on their way, for the next time.
        """
        if self.losses:
            self.sent.append(Sent(self.losses, self.rows))
            self.losses, self.rows = [], []
        left = 1 if late and self.fetched and self.sent[-1].copies else 0
        self.fetched = True
        while len(self.sent) > left:
            yield self._read(self.sent.pop(0))

    def _read(self, sent: Sent) -> tuple[list[Record], int | None]:
        losses, *values = sent.read()
        finite = list(map(math.isfinite, losses))
        if not all(finite):
            after = sum(len(later.tensors[0]) for later in self.sent)
            return [], len(finite) - finite.index(False) - 1 + after
        rows = zip(sent.records, values[0] if values else [], strict=True)
        return [record | dict(zip(self.tags, row, strict=True)) for record, row in rows], None


class Sent:
    """Losses and rows of some steps; of a GPU, they are on their way to the host."""

    def __init__(self, losses: list[Tensor], rows: list[tuple[Record, Tensor]]) -> None:
        self.records = [record for record, _ in rows]
        self.tensors = [torch.stack(losses)]
        self.tensors += [torch.stack([metrics for _, metrics in rows])] if rows else []
        self.copies = HostCopy(self.tensors) if self.tensors[0].is_cuda else None

    def read(self) -> list[list]:
        """Return the losses, and the values of the rows if there are any."""
        return [tensor.tolist() for tensor in (self.copies.wait() if self.copies else self.tensors)]
