"""Extract the outputs of a network's blocks, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from skiprun.connections import sites
from skiprun.models.complexity.cost import layers_by_depth
from skiprun.models.layers.block import Block
from skiprun.studies.base import Batches
from skiprun.studies.reorder import parent


def stations(model: nn.Module) -> dict[str, nn.Module]:
    """Return the modules between which a network can be read, by path: blocks, or layers if it has none."""
    blocks = {parent(path): model.get_submodule(parent(path)) for path in sites(model)}
    return {path: block for path, block in blocks.items() if isinstance(block, Block)} or layers_by_depth(
        model
    )


class FeatureExtractor:
    """Keeps what the stations of an isolated copy give; its hooks stay there."""

    def __init__(self, model: nn.Module, change: Callable[[Tensor], Tensor]) -> None:
        self.model, self.change = model.eval(), change
        self.outputs: dict[str, Tensor] = {}
        self.paths = list(stations(model))
        for path, station in stations(model).items():
            station.register_forward_hook(self.keep(path))

    def keep(self, path: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        """Return a hook that keeps a changed output."""
        return lambda _module, _inputs, output: self.outputs.__setitem__(path, self.change(output.detach()))

    @torch.no_grad()
    def read(self, batches: Batches) -> Iterator[list[Tensor]]:
        """Yield the changed outputs of all stations for each batch, from the input to the output."""
        for images, _ in batches:
            self.model(images)
            yield [self.outputs[path] for path in self.paths]


def pooled(output: Tensor) -> Tensor:
    """Return one vector an image: the mean over the pixels."""
    return output.flatten(2).mean(dim=2) if output.ndim > 2 else output
