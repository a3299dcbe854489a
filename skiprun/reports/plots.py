"""What the figures of a comparison show, described once: for pictures, and for charts that answer."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace

from skiprun.palette import LOOKS
from skiprun.reports.plot_kinds import Curves, Dots, Network, Plot
from skiprun.results.groups import Group
from skiprun.results.history import read_history

MEANS = "Lines are means over seeds, bands reach from the lowest to the highest seed."
NORMS = MEANS.replace("means", "geometric means")
DEPTH, NORM = "relative depth (0 input, 1 output)", "gradient norm (loss per unit of weight)"
LOSS_UNITS = {"cross_entropy": "nats", "dice": "1 - Dice", "sum": "nats, plus 1 - Dice"}


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
