"""Kinds of plots of a comparison: curves over epochs, steps or depth, and dots of test scores."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from skiprun.results.bands import Band, band
from skiprun.results.groups import Group
from skiprun.results.history import History, Series
from skiprun.results.statistics import Sample


@dataclass(frozen=True)
class Network:
    """A group with the course of its runs, and its place among the groups."""

    index: int
    group: Group
    histories: list[History]


@dataclass(frozen=True)
class Curves:
    """Values of runs over epochs, steps or depth.

    Attributes:
        name: of the figure and its files.
        x, y: the names of the axes, with units.
        networks: which have a line.
        values: what of a run's history is drawn.
        log: whether values are scaled logarithmically; a reader may choose otherwise.
        level: where a thin line is drawn, if one is.
        middle: what stands for the values of the seeds.
        over_depth: whether x is depth, so that each place is a layer.
        moment: the words of the caption for the moment of the values, where a history holds them at others.
    """

    name: str
    caption: str
    x: str
    y: str
    networks: list[Network]
    values: Callable[[History], Series]
    log: bool = True
    level: float | None = None
    middle: Callable[[Sequence[float]], float] = statistics.fmean
    over_depth: bool = False
    moment: str = ""

    def band(self, network: Network) -> Band:
        """Return middle, lowest and highest value of a network's seeds."""
        return band([self.values(history) for history in network.histories], self.middle)

    def without_empty(self) -> Curves:
        """Return the curves of the networks that have one; the caption names the others."""
        drawn = [network for network in self.networks if any(map(self.values, network.histories))]
        missing = [network.group.label for network in self.networks if network not in drawn]
        note = f" Not logged, or not readable, for {', '.join(missing)}." if missing else ""
        return replace(self, networks=drawn, caption=self.caption + note)


@dataclass(frozen=True)
class Dots:
    """A score of the test split, of each run and in the mean."""

    name: str
    caption: str
    x: str
    networks: list[Network]
    key: str

    def values(self, network: Network) -> dict[int, float]:
        """Return the score of a network's runs by seed."""
        return network.group.by_seed(self.key)

    def sample(self, network: Network) -> Sample:
        """Return mean and interval of a network's score."""
        return network.group.sample(self.key)

    def without_empty(self) -> Dots:
        """Return the dots of the networks that have some."""
        return replace(self, networks=[network for network in self.networks if self.values(network)])


Plot = Curves | Dots


def networks_of(plots: Sequence[Plot]) -> list[Network]:
    """Return the networks that plots show, in their order."""
    found = {network.index: network for plot in plots for network in plot.networks}
    return [found[index] for index in sorted(found)]
