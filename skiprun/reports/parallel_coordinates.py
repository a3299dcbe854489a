"""Parallel coordinates (Inselberg 1985): an axis for each number, a line for each thing that has them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skiprun.config.type_words import yaml_text
from skiprun.palette import SEQUENTIAL
from skiprun.reports.axes import figure_and_axes, legible

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLOSEST = 0.05  # of the height of an axis, between two ticks
DECADE = 10.0


@dataclass(frozen=True)
class AxisScale:
    """One axis: its name, the height of each value from 0 to 1, and the values that are written beside it."""

    name: str
    heights: dict[str, float]
    ticks: list[tuple[float, str]]

    def height(self, value: object) -> float:
        """Return the height of a value; NaN for none."""
        return self.heights.get(yaml_text(value), math.nan)


@dataclass(frozen=True)
class ArmLine:
    """A thing with a value on each axis; one without the last is drawn grey, up to the axis before."""

    values: Sequence[object]
    chosen: bool = False


def draw_parallel(names: Sequence[str], lines: Sequence[ArmLine]) -> Figure:
    """Draw lines over axes, coloured by their values on the last one."""
    scales = [axis_scale(name, [line.values[place] for line in lines]) for place, name in enumerate(names)]
    figure, axes = figure_and_axes(3.4)
    for line in sorted(lines, key=lambda each: each.chosen):
        _draw_arm(axes, [scale.height(value) for scale, value in zip(scales, line.values, strict=True)], line)
    for place, scale in enumerate(scales):
        axes.axvline(place, color="black", linewidth=0.8)
        _write_ticks(axes, place, scale.ticks)
    axes.set_xticks(range(len(names)), [legible(name) for name in names])
    axes.set_yticks([])
    axes.set(xlim=(-0.1, len(names) - 0.6), ylim=(-0.05, 1.05))
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    return figure


def _write_ticks(axes: Axes, place: int, ticks: Sequence[tuple[float, str]]) -> None:
    """Write the values of an axis beside it, on white, so that no line runs through them."""
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    for height, text in ticks:
        axes.annotate(
            legible(text),
            (place, height),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            bbox=behind,
        )


def _draw_arm(axes: Axes, heights: Sequence[float], line: ArmLine) -> None:
    """Draw one line; what is NaN at its end is left out."""
    from matplotlib import colormaps

    ended = not math.isnan(heights[-1])
    colour = colormaps[SEQUENTIAL](heights[-1]) if ended else "grey"
    axes.plot(
        range(len(heights)),
        heights,
        color=colour,
        linewidth=3.0 if line.chosen else 1.2,
        linestyle="-" if ended else ":",
        alpha=1.0 if line.chosen else 0.8,
    )


def axis_scale(name: str, values: Sequence[object]) -> AxisScale:
    """Return the axis of some values: numbers by their size, over a decade or more by their logarithm.

    Other values stand at equal distances, in their order; None, of what has no value, has no place.
    """
    known = list(dict.fromkeys(yaml_text(value) for value in values if value is not None))
    numbers = [
        float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if len(numbers) < len([value for value in values if value is not None]):
        heights = {text: place / max(1, len(known) - 1) for place, text in enumerate(known)}
        return AxisScale(name, heights, _legible(sorted((height, text) for text, height in heights.items())))
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    log = low > 0 and high >= DECADE * low

    def height(value: float) -> float:
        if low == high:
            return 0.5
        return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)

    heights = {yaml_text(value): height(float(value)) for value in values if isinstance(value, int | float)}
    ticks = sorted({height(number): f"{number:.3g}" for number in numbers}.items())
    return AxisScale(name, heights, _legible(ticks))


def _legible(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Return ticks that do not stand over each other, from the lowest one on."""
    kept: list[tuple[float, str]] = []
    for height, text in ticks:
        if not kept or height - kept[-1][0] >= CLOSEST:
            kept.append((height, text))
    return kept
