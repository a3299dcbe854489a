"""Lesions of one network: blocks deleted one by one, several at random, and swapped with others."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator

from torch import nn

from skiprun.connections import Connection
from skiprun.studies.base import (
    Evaluate,
    Row,
    metric_drop,
    sites_of,
    spread,
)
from skiprun.studies.cuts import CUTS, replace_connections
from skiprun.studies.reorder import alike, parent, swapped

COUNTS = (1, 2, 3, 4, 6, 8, 10, 13, 18, 24, 32, 48)


class LesionRun:
    """An isolated copy with its cuttable sites."""

    def __init__(
        self,
        model: nn.Module,
        evaluate: Evaluate,
        intact: dict[str, float],
        found: dict[str, Connection],
        side: str,
        draws: int,
        rng: random.Random,
    ) -> None:
        self.model, self.evaluate, self.intact, self.found = model, evaluate, intact, found
        self.paths = list(sites_of(model))
        self.join, self.draws, self.rng = CUTS[side], draws, rng
        # A block that changes the shape costs more (Veit et al. 2016, figure 3): chance leaves it out.
        blocks = {path: model.get_submodule(parent(path)) for path in found}
        self.keeping = [path for path, block in blocks.items() if getattr(block, "downsample", None) is None]
        self.groups = alike(model, [parent(path) for path in self.keeping])
        self.counts = [count for count in COUNTS if count <= len(self.keeping)]
        self.total = len(found) + len(self.counts) * (2 if self.groups else 1)

    def rows(self) -> Iterator[Row]:
        """Yield the scores of all lesions, one after the other."""
        for path, connection in self.found.items():
            with replace_connections({connection: self.join}):
                scores = self.evaluate(self.model)
            row = {"what": "delete", "number": self.paths.index(path) + 1, "site": path}
            yield {**row, "damage": metric_drop(scores, self.intact), **scores}
        for count in self.counts:
            damages = [self.delete(count) for _ in range(self.draws)]
            yield {"what": "random", "blocks": count, **spread(damages, "damage")}
        for count in self.counts if self.groups else ():
            taus, worse = zip(*(self.swap(count) for _ in range(self.draws)), strict=True)
            yield {"what": "swap", "blocks": count, "tau": statistics.mean(taus), **spread(worse, "damage")}

    def delete(self, count: int) -> float:
        """Return the damage without some random blocks."""
        with replace_connections(
            {self.found[path]: self.join for path in self.rng.sample(self.keeping, count)}
        ):
            return metric_drop(self.evaluate(self.model), self.intact)

    def swap(self, count: int) -> tuple[float, float]:
        """Return Kendall's tau and the damage with some random pairs swapped."""
        with swapped(self.model, self.groups, count, self.rng) as tau:
            return tau, metric_drop(self.evaluate(self.model), self.intact)
