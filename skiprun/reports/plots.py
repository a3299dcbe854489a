"""What the figures of a comparison show, described once: for pictures, and for charts that answer."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from skiprun.palette import LOOKS
from skiprun.results.groups import Group
from skiprun.results.history import Band, History, Series, band, read_history
from skiprun.results.statistics import Sample

MEANS = "Lines are means over seeds, bands reach from the lowest to the highest seed."
NORMS = MEANS.replace("means", "geometric means")
DEPTH, NORM = "relative depth (0 input, 1 output)", "gradient norm |dL/dW| (unit of the loss)"
LOSS_UNITS = {"cross_entropy": "nats", "dice": "1 - Dice", "sum": "nats, plus 1 - Dice"}


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


def describe(groups: Sequence[Group]) -> list[Plot]:
    """Return every plot that these groups have numbers for."""
    networks = [
        Network(index, group, [read_history(run, group.score_name) for run in group.runs])
        for index, group in enumerate(groups[:LOOKS])
    ]
    every: list[Plot] = [*_training(networks), *_gradients(networks), *_test_scores(networks)]
    return [plot for plot in (each.without_empty() for each in every) if plot.networks]


def _training(networks: list[Network]) -> Iterator[Curves]:
    """Yield training loss, and validation scores by name, over epochs."""
    units = dict.fromkeys(_loss_unit(network.group) for network in networks)
    about = f"Training loss, mean over each epoch. {MEANS}"
    yield Curves(
        "training_loss",
        about,
        "epoch",
        f"training loss ({' or '.join(units)})",
        networks,
        lambda history: history.loss,
    )
    for name in dict.fromkeys(network.group.score_name for network in networks):
        about = f"Validation {name} after each epoch. {MEANS}"
        chosen = [network for network in networks if network.group.score_name == name]
        label = f"validation {_with_unit(name)}"
        yield Curves(
            f"validation_{name}", about, "epoch", label, chosen, lambda history: history.score, log=False
        )


def _loss_unit(group: Group) -> str:
    kind = group.first.text("segmentation.loss") if group.task == "segmentation" else "cross_entropy"
    return LOSS_UNITS.get(kind, kind)


def _gradients(networks: list[Network]) -> Iterator[Curves]:
    """Yield gradient norms over depth, at the first logged step and as medians; their ratio over steps."""
    steps = {h.first_step for network in networks for h in network.histories if h.first_step is not None}
    when = f"the first logged step ({', '.join(map(str, sorted(steps)))})"
    start = Curves(
        "gradient_flow_start",
        f"Gradient norm of each layer at {when}. {NORMS}",
        DEPTH,
        NORM,
        networks,
        lambda history: history.first_norms,
        middle=statistics.geometric_mean,
        over_depth=True,
        moment=when,
    )
    yield start
    yield replace(
        start,
        name="gradient_flow_median",
        caption=f"Gradient norm of each layer, median over training. {NORMS}",
        values=lambda history: history.median_norms,
        moment="",
    )
    yield Curves(
        "gradient_ratio",
        "Gradient norm of the first layer over that of the last: above 1 it grows towards the input. "
        + NORMS,
        "step",
        "first over last gradient norm (ratio)",
        networks,
        lambda history: history.ratio,
        level=1.0,
        middle=statistics.geometric_mean,
    )


def _test_scores(networks: list[Network]) -> Iterator[Dots]:
    """Yield each score of the test split."""
    about = (
        "a dot for each seed, a diamond for their mean, a line for its 95 % interval (two seeds or more), "
        "cut where the score ends."
    )
    for name in dict.fromkeys(name for network in networks for name in network.group.test_scores):
        yield Dots(
            f"test_{name}", f"Test {name}: {about}", f"test {_with_unit(name)}", networks, f"test.{name}"
        )


def _with_unit(name: str) -> str:
    return f"{name} (%)" if name == "error" else f"{name} (share)"
