"""Feature reuse in DenseNets: the weight that each layer gives to the outputs of each earlier layer.

The mean absolute weight from the channels of a source to a target layer. Source 0 is what the dense block was
given, source s the s-th layer of the block; the last target is what follows the block, a transition or the
classifier (Huang et al. 2017, figure 5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from statistics import fmean

from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.errors import InputError, percent
from skiprun.models.complexity.cost import layers_by_depth
from skiprun.registry import STUDIES
from skiprun.studies.base import Facts, Figure, Row, StudyResult, sites_of
from skiprun.studies.reorder import parent

# A source counts as used from this share of a target's largest weight on.
USED = 0.1
FIGURES = (
    Figure(
        "Use of earlier layers",
        "matrix",
        "target",
        "source",
        "target layer of the block",
        "source layer (0: the block's input)",
        value="weight",
        valuelabel="mean absolute weight",
        group="block",
    ),
)


@dataclass(frozen=True)
class DenseBlock:
    """The channels that each source adds, and the layers that take them."""

    channels: list[int]
    targets: list[tuple[str, Tensor]]


@STUDIES.register(
    "reuse", paper="Huang et al. 2017, figure 5", figures=FIGURES, example="digits-densenet40_12"
)
def reuse(model: nn.Module) -> StudyResult:
    """Show how each layer of a DenseNet weighs earlier ones.

    Args:
        model: a trained DenseNet.
    """
    blocks = list(dense_blocks(model))
    if not blocks:
        raise InputError(
            "A reuse map needs dense blocks, as densenet40_12 has: layers that see the output of each before."
        )
    rows = [row for number, block in enumerate(blocks, start=1) for row in connection_rows(number, block)]
    facts = summarize(rows, len(blocks))
    return StudyResult(rows, verdict(facts), facts)


def dense_blocks(model: nn.Module) -> Iterator[DenseBlock]:
    """Yield the dense blocks: modules whose layers are given all channels that those before them gave."""
    layers = {path: layer.get_parameter("weight").detach() for path, layer in layers_by_depth(model).items()}
    for _, chain in groupby(sites_of(model).items(), key=lambda item: parent(parent(item[0]))):
        block = dense(dict(chain), layers)
        if block:
            yield block


def dense(chain: Mapping[str, Connection], layers: Mapping[str, Tensor]) -> DenseBlock | None:
    """Return the block of some sites in a row, unless its layers take other channels than are there."""
    names = list(layers)
    inside = [[name for name in names if name.startswith(parent(path) + ".")] for path in chain]
    if not all(inside):
        return None
    after = names[names.index(inside[-1][-1]) + 1 :][:1]
    targets = [(name, layers[name]) for name in [*(each[0] for each in inside), *after]]
    given = [connection.site for connection in chain.values()]
    channels = [given[0].shortcut_channels, *(site.branch_channels for site in given)]
    fits = [weight.shape[1] for _, weight in targets] == list(accumulate(channels))
    return DenseBlock(channels, targets) if fits else None


def connection_rows(number: int, block: DenseBlock) -> Iterator[Row]:
    """Yield one row for each source and each target behind it."""
    for target, (name, weight) in enumerate(block.targets, start=1):
        sources = weight.abs().flatten(2).mean(dim=2) if weight.ndim > 2 else weight.abs()
        means = [part.mean().item() for part in sources.split(block.channels[:target], dim=1)]
        for source, mean in enumerate(means):
            row: Row = {"block": number, "source": source, "target": target, "layer": name}
            yield row | {"weight": mean, "share": mean / (sum(means) or 1.0)}


def summarize(rows: list[Row], blocks: int) -> Facts:
    """Return how widely layers look back, and how far, as means over all targets."""
    targets = [list(row) for _, row in groupby(rows, key=lambda row: (row["block"], row["target"]))]
    several = [[row["weight"] for row in target] for target in targets if len(target) > 1]
    return {
        "blocks": blocks,
        "used": fmean(
            sum(each >= USED * max(weights) for each in weights) / len(weights) for weights in several
        ),
        "early_over_late": fmean(
            ratio_of_means(weights[: len(weights) // 2], weights[len(weights) // 2 :]) for weights in several
        ),
        "input_over_layers": fmean(ratio_of_means(weights[:1], weights[1:]) for weights in several),
    }


def ratio_of_means(some: Sequence[float], others: Sequence[float]) -> float:
    """Return the mean of some weights over that of others."""
    return fmean(some) / (fmean(others) or 1.0)


def verdict(facts: Facts) -> str:
    """Say how widely and how far layers look back."""
    return (
        f"Layers use {percent(facts['used'])} of the sources at hand with {percent(USED)} of their largest "
        "weight or more. "
        f"The earlier half of the sources weighs {facts['early_over_late']:.2f} times the later half, "
        f"the block's own input {facts['input_over_layers']:.2f} times a layer."
    )
