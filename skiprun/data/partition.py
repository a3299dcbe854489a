"""Stratified subsets of a training set: exact size, a pure function of the seed.

Each class gives its share of the part, rounded by the largest remainder; classes that would give nothing are
rounded up before others. scikit-learn's train_test_split is not used, because it refuses classes of one image
and parts with fewer images than classes.
"""

from __future__ import annotations

import numpy as np
import torch

from skiprun.data.source import Array


def stratified_split(labels: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Return (rest, part) as rising row numbers; `part` has `count`, and every class keeps one in the rest.

    Raises:
        ValueError: the rest cannot hold an image of every class.
    """
    sizes = np.bincount(labels)
    shares = _shares(sizes, count)
    generator = torch.Generator().manual_seed(seed)
    chosen = np.zeros(len(labels), bool)
    for label, share in enumerate(shares):
        members = np.flatnonzero(labels == label)
        order = torch.randperm(len(members), generator=generator).numpy()
        chosen[members[order[:share]]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _shares(sizes: Array, count: int) -> Array:
    """Return how many rows each class gives, in proportion to its size."""
    exact = sizes * count / sizes.sum()
    shares = np.floor(exact).astype(np.int64)
    remainder = np.where(shares + 1 < sizes, exact - shares + (shares == 0), -1.0)
    most = np.argsort(-remainder, kind="stable")[: count - shares.sum()]
    shares[most] += 1
    if (shares >= np.maximum(sizes, 1)).any():
        raise ValueError(f"{count} of {sizes.sum()} rows leave a class without any")
    return shares
