"""Heat maps of what probes measured: depth by epoch, one column an epoch."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from skiprun.palette import DIVERGING, SEQUENTIAL, STYLE

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize

BESIDE = 3  # panels in a row
WIDTH, HEIGHT = 2.9, 2.5  # inches, of a panel with its words
TICKS = 6  # epochs that are named


class DepthMap:
    """A panel for each measurement: rows are layers or sites, input at the top; columns are epochs."""

    def __init__(self) -> None:
        self.epochs: list[float] = []
        self.columns: dict[str, list[list[float]]] = {}

    def add(self, medians: Mapping[str, float], epoch: float) -> None:
        """Take an epoch's values by tag, 'branch_ratio/03.layer1.2', those of each measurement by depth."""
        found: dict[str, list[float]] = {}
        for tag, value in medians.items():
            found.setdefault(tag.partition("/")[0], []).append(value)
        for measure, column in found.items():
            self.columns.setdefault(measure, []).append(column)
        self.epochs.append(epoch)

    def draw(self) -> bytes:
        """Return a PNG of all epochs so far; laid out by hand, which takes a third of the time."""
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        beside, below = min(BESIDE, len(self.columns)), -(-len(self.columns) // BESIDE)
        buffer = io.BytesIO()
        with rc_context(STYLE | {"figure.constrained_layout.use": False}):
            figure = Figure(figsize=(WIDTH * beside, HEIGHT * below))
            for place, (measure, columns) in enumerate(self.columns.items()):
                row, column = divmod(place, beside)
                corner = (column + 0.17) / beside, 1 - (row + 0.8) / below
                axes = figure.add_axes((*corner, 0.58 / beside, 0.68 / below))
                self._panel(axes, measure, columns)
            figure.savefig(buffer, format="png", dpi=80)
        return buffer.getvalue()

    def _panel(self, axes: Axes, measure: str, columns: Sequence[Sequence[float]]) -> None:
        rows = list(zip(*columns, strict=True))
        sites = (0.5, len(columns) + 0.5, len(rows) + 0.5, 0.5)
        image = axes.imshow(rows, aspect="auto", interpolation="nearest", extent=sites, **scale(columns))
        axes.figure.colorbar(image, cax=axes.inset_axes((1.03, 0, 0.05, 1)))
        axes.grid(visible=False)
        step = -(-len(self.epochs) // TICKS)
        axes.set_xticks(
            range(1, len(self.epochs) + 1, step), [f"{epoch:.6g}" for epoch in self.epochs[::step]]
        )
        axes.set_title(measure.replace("_", " "), loc="left", fontsize="medium")
        axes.set(xlabel="epoch", ylabel="layer or site, from the input")


class ColourScale(TypedDict):
    """Colours of a panel and their range, in matplotlib's words."""

    cmap: str
    norm: Normalize


def scale(columns: Sequence[Sequence[float]]) -> ColourScale:
    """Return the colours of a panel: by decades if there are several, around zero if there are signs."""
    from matplotlib.colors import LogNorm, Normalize

    values = [value for column in columns for value in column if math.isfinite(value)] or [0.0]
    low, high = min(values), max(values)
    if low < 0:
        end = max(-low, high)
        return {"cmap": DIVERGING, "norm": Normalize(-end, end)}
    decades = 0 < 10 * low < high
    return {
        "cmap": SEQUENTIAL,
        "norm": LogNorm(low, high) if decades else Normalize(low, max(high, low + 1e-6)),
    }
