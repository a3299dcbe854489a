"""Examples of a dataset as one picture: a row of images for each name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skiprun.palette import STYLE
from skiprun.reports.axes import legible
from skiprun.reports.drawing import Drawing

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes

Pixels = npt.NDArray[np.uint8]
INCH = 0.8  # of an image
NAMES = 1.4  # inches for the names beside them
ROWS = 20


def draw_examples(rows: Sequence[tuple[str, Pixels]]) -> Drawing:
    """Return a picture of the first rows of images, uint8 [N, H, W, C] by name; C is 1 or 3."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    shown, columns = rows[:ROWS], max(len(images) for _, images in rows[:ROWS])
    left_out = f" {len(rows) - ROWS} more rows are not shown." if len(rows) > ROWS else ""
    with rc_context({**STYLE, "figure.constrained_layout.use": False}):
        figure = Figure(figsize=(NAMES + columns * INCH, len(shown) * INCH))
        grid = figure.subplots(len(shown), columns, squeeze=False)
        edge = NAMES / (NAMES + columns * INCH)
        figure.subplots_adjust(left=edge, right=0.995, bottom=0.005, top=0.995, wspace=0.04, hspace=0.04)
        for line, (name, images) in zip(grid, shown, strict=True):
            line[0].text(
                -0.1, 0.5, legible(name), ha="right", va="center", wrap=True, transform=line[0].transAxes
            )
            for place, axes in enumerate(line):
                _draw_image(axes, images[place : place + 1])
    return Drawing("examples", f"Training images, drawn by chance.{left_out}", figure)


def _draw_image(axes: Axes, images: Pixels) -> None:
    """Draw the one image that there is, as it is stored, or nothing."""
    axes.set_axis_off()
    for image in images:
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
