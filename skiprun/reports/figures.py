"""The figures of a comparison: curves, gradient flow and test scores, one style for each network."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skiprun.palette import LOOKS, STYLE
from skiprun.reports.comparison_drawing import Curve, Dots, draw_curves, draw_dots
from skiprun.reports.drawing import Drawing
from skiprun.results.groups import Group
from skiprun.results.history import History, Series, band, read_history

MEANS = "Lines are means over seeds, bands reach from the lowest to the highest seed."
DEPTH, NORM = "relative depth (0 input, 1 output)", "gradient norm of the weights"


@dataclass(frozen=True)
class Network:
    """A group with the course of its runs, and its place among the groups."""

    index: int
    group: Group
    histories: list[History]


def draw(groups: Sequence[Group]) -> list[Drawing]:
    """Draw every figure that these groups have numbers for."""
    from matplotlib import rc_context

    networks = [
        Network(index, group, [read_history(run, group.score_name) for run in group.runs])
        for index, group in enumerate(groups[:LOOKS])
    ]
    with rc_context(STYLE):
        drawings = [*_curves(networks), *_gradients(networks), *_test_scores(networks)]
    return [drawing for drawing in drawings if drawing is not None]


def _curves(networks: Sequence[Network]) -> list[Drawing | None]:
    """Draw training loss, and validation scores by name, over epochs."""
    about = f"Training loss, mean over each epoch. {MEANS}"
    losses = _collect(networks, lambda history: history.loss)
    drawings = [_curves_drawing("training_loss", about, losses, "epoch", "training loss (nats)")]
    for name in dict.fromkeys(network.group.score_name for network in networks):
        chosen = [network for network in networks if network.group.score_name == name]
        scores = _collect(chosen, lambda history: history.score)
        about = f"Validation {name} after each epoch. {MEANS}"
        drawings.append(
            _curves_drawing(
                f"validation_{name}", about, scores, "epoch", f"validation {_unit(name)}", log=False
            )
        )
    return drawings


def _gradients(networks: Sequence[Network]) -> list[Drawing | None]:
    """Draw gradient norms over depth, at the first logged step and as medians, and their ratio over steps."""
    steps = {h.first_step for network in networks for h in network.histories if h.first_step is not None}
    when = f"first logged step ({', '.join(map(str, sorted(steps)))})"
    norms = MEANS.replace("means", "geometric means")
    first, median, ratio = (
        _collect(networks, series, statistics.geometric_mean)
        for series in (lambda h: h.first_norms, lambda h: h.median_norms, lambda h: h.ratio)
    )
    about_ratio = (
        f"Gradient norm of the first layer over that of the last: above 1 it grows towards the input. {norms}"
    )
    return [
        _curves_drawing(
            "gradient_flow_start", f"Gradient norm of each layer at the {when}. {norms}", first, DEPTH, NORM
        ),
        _curves_drawing(
            "gradient_flow_median",
            f"Gradient norm of each layer, median over training. {norms}",
            median,
            DEPTH,
            NORM,
        ),
        _curves_drawing(
            "gradient_ratio", about_ratio, ratio, "step", "first over last gradient norm", level=1.0
        ),
    ]


def _collect(
    networks: Sequence[Network],
    series: Callable[[History], Series],
    middle: Callable[[Sequence[float]], float] = statistics.fmean,
) -> list[Curve]:
    """Return one curve for each network, over its seeds."""
    return [
        Curve(network.group.label, network.index, band([series(h) for h in network.histories], middle))
        for network in networks
    ]


def _curves_drawing(
    name: str,
    caption: str,
    curves: Sequence[Curve],
    x: str,
    y: str,
    log: bool = True,
    level: float | None = None,
) -> Drawing | None:
    """Draw curves, and say which networks have none; None where no network has one."""
    drawn = [curve for curve in curves if curve.band.places]
    if not drawn:
        return None
    if missing := [curve.label for curve in curves if not curve.band.places]:
        caption += f" Not logged, or not readable, for {', '.join(missing)}."
    return Drawing(name, caption, draw_curves(drawn, x, y, log, level))


def _test_scores(networks: Sequence[Network]) -> list[Drawing | None]:
    """Draw each score of the test split."""
    names = dict.fromkeys(name for network in networks for name in network.group.test_scores)
    return [_test_score(name, networks) for name in names]


def _test_score(name: str, networks: Sequence[Network]) -> Drawing | None:
    key = f"test.{name}"
    values = [
        Dots(each.group.label, each.index, list(each.group.by_seed(key).values()), each.group.sample(key))
        for each in networks
    ]
    drawn = [dots for dots in values if dots.values]
    if not drawn:
        return None
    caption = (
        f"Test {name}: a dot for each seed, a diamond for their mean, a line for its 95 % interval (two "
        "seeds or more), cut where the score ends."
    )
    return Drawing(f"test_{name}", caption, draw_dots(drawn, f"test {_unit(name)}"))


def _unit(name: str) -> str:
    return f"{name} (%)" if name == "error" else name
