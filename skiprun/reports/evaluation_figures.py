"""Figures of a scored split: which class was taken for which, and how far probabilities can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skiprun.errors import percent
from skiprun.palette import COLOURS, SEQUENTIAL, STYLE
from skiprun.reports.axes import figure_and_axes, set_tick_names
from skiprun.reports.drawing import Drawing
from skiprun.results.split_results import Confusion, LabelResults, MaskResults, ReliabilityBin

if TYPE_CHECKING:  # matplotlib takes half a second to import
    import numpy as np
    from matplotlib.axes import Axes

MOST_CLASSES, WORST = 100, 30  # above so many classes, the worst are drawn
NUMBERED = 12  # classes whose cells have room for a number
LARGE = 100_000  # a count that has no room there
DARK = "#1b1f24"  # ink of a bright cell: black would be white on a dark page


def evaluation_figures(results: LabelResults | MaskResults, names: Sequence[str]) -> list[Drawing]:
    """Draw the confusion matrix, and of labels the reliability diagram."""
    from matplotlib import rc_context

    if len(names) > MOST_CLASSES:
        names = [each.name for each in results.classes[:WORST]]
    with rc_context(STYLE):
        if isinstance(results, MaskResults):
            sizes = {each.name: each.pixels for each in results.classes}
            return [draw_confusion(names, sizes, results.confusions, "pixels")]
        sizes = {each.name: each.images for each in results.classes}
        return [
            draw_confusion(names, sizes, results.confusions, "images"),
            draw_reliability(results.reliability, results.ece),
        ]


def draw_confusion(
    names: Sequence[str], sizes: dict[str, int], confusions: Sequence[Confusion], unit: str
) -> Drawing:
    """Draw the share of each true class, a row, that got each label, a column."""
    import numpy as np

    place = {name: n for n, name in enumerate(names)}
    whole = np.array([sizes[name] for name in names], float)
    counts = np.diag(whole)
    for each in confusions:
        if (row := place.get(each.name)) is not None:
            counts[row, row] -= each.count
            if (column := place.get(each.predicted)) is not None:
                counts[row, column] += each.count
    shares = counts / np.maximum(whole[:, None], 1)
    figure, axes = figure_and_axes(4.6)
    image = axes.imshow(shares, vmin=0, vmax=1, cmap=SEQUENTIAL)
    axes.grid(False)
    axes.set(xlabel="predicted", ylabel="true")
    set_tick_names(axes.xaxis, names, rotation=45 if max(map(len, names)) > 3 else 0)
    for label in axes.get_xticklabels() if max(map(len, names)) > 3 else ():
        label.set(ha="right", rotation_mode="anchor")
    set_tick_names(axes.yaxis, names)
    figure.colorbar(image, label=f"share of the {unit} of a class")
    if len(names) <= NUMBERED:
        _write_counts(axes, counts, shares)
    drawn = "a class" if len(sizes) == len(names) else f"one of the {len(names)} worst classes"
    words = f"Confusion matrix: each row is {drawn}, its {unit} by predicted class."
    return Drawing("confusion", words, figure)


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    """Write into each cell what it counts, or the share where that is too long; dark on light."""
    as_shares = counts.max() >= LARGE
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            if count:
                ink = DARK if shares[row, column] > 0.6 else "white"
                text = percent(shares[row, column], 1) if as_shares else f"{count:,.0f}"
                axes.text(column, row, text, ha="center", va="center", color=ink, fontsize="small")


def draw_reliability(bins: Sequence[ReliabilityBin], ece: float) -> Drawing:
    """Draw the share that is right against the probability, and how many images there are (Guo 2017)."""
    figure, axes = figure_and_axes(4.6)
    filled = [each for each in bins if each.images]
    middles, width = [(each.low + each.high) / 2 for each in filled], 1 / len(bins)
    images = sum(each.images for each in filled)
    axes.bar(
        middles,
        [each.images / images for each in filled],
        width,
        color=COLOURS[5],
        alpha=0.5,
        label="share of the images",
    )
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, label="as sure as right")
    axes.plot(
        [each.confidence for each in filled],
        [each.accuracy for each in filled],
        "o-",
        color=COLOURS[0],
        label="share of them that is right",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability of the predicted label", ylabel="share")
    figure.legend(loc="outside lower center", ncols=3)
    words = "below the grey line the network is too sure of itself, above it too modest"
    return Drawing("reliability", f"Reliability: {words}; ECE {percent(ece, 2)}.", figure)
