"""The moments of images in shards, as an array of rows that stays on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skiprun.data.shards.index_cache import read_moments
from skiprun.data.source import Array


class KeptMoments:
    """Sums and sums of squares of each image's channels, int64 [N, 2, 3], read from the indexes of shards."""

    def __init__(self, files: Sequence[Path], counts: Sequence[int]) -> None:
        self.files, self.starts = files, np.cumsum([0, *counts])
        self.shape = (int(self.starts[-1]), 2, 3)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """The size of all of them."""
        return 48 * len(self)

    def __getitem__(self, rows: Array) -> Array:
        """Return the moments of some rows, int64 [n]."""
        found = np.empty((len(rows), 2, 3), np.int64)
        places = np.searchsorted(self.starts, rows, "right") - 1
        for shard in np.unique(places).tolist():
            chosen = places == shard
            found[chosen] = read_moments(self.files[shard])[rows[chosen] - self.starts[shard]]
        return found
