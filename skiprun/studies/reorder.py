"""Swap blocks of the same shape within a network."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn


def parent(path: str) -> str:
    """Return the path of the block that a connection site belongs to; '' for the network itself."""
    return path.rpartition(".")[0]


def alike(model: nn.Module, blocks: Iterable[str]) -> list[list[str]]:
    """Return the groups of two or more blocks that could take each other's place, by their parameters."""
    groups: dict[tuple, list[str]] = {}
    for path in filter(None, blocks):
        block = model.get_submodule(path)
        shapes = tuple((name, value.shape) for name, value in block.state_dict().items())
        groups.setdefault((type(block), shapes), []).append(path)
    return [group for group in groups.values() if len(group) > 1]


@contextmanager
def swapped(model: nn.Module, groups: list[list[str]], pairs: int, rng: random.Random) -> Iterator[float]:
    """Swap random pairs within the groups for a while; give Kendall's tau between old and new order."""
    from scipy.stats import kendalltau  # a second to import, which most studies do without

    names = [name for group in groups for name in group]
    order = list(range(len(names)))
    for _ in range(pairs):
        one, other = (names.index(name) for name in rng.sample(rng.choice(groups), 2))
        order[one], order[other] = order[other], order[one]
    blocks = [model.get_submodule(name) for name in names]
    try:
        for name, index in zip(names, order, strict=True):
            model.set_submodule(name, blocks[index])
        yield float(kendalltau(range(len(names)), order).statistic)
    finally:
        for name, block in zip(names, blocks, strict=True):
            model.set_submodule(name, block)
