"""The gradient norm over depth as an image, one an epoch, beside that of the first."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from skiprun.palette import COLOURS, STYLE


class GradientImage:
    """Gradient norm over depth on an axis of whole decades, beside that of the first epoch.

    What stays from epoch to epoch is kept as pixels, which takes 8 ms an epoch instead of 55.
    """

    def __init__(self, first_epoch: Sequence[float]) -> None:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        with rc_context(STYLE | {"figure.constrained_layout.use": False}):
            figure = Figure(figsize=(5, 3), dpi=80)
            self.canvas, self.axes = FigureCanvasAgg(figure), figure.add_axes((0.15, 0.16, 0.83, 0.81))
            depth = range(1, len(first_epoch) + 1)
            self.axes.semilogy(depth, first_epoch, color="0.7", label="epoch 1")
            (self.line,) = self.axes.semilogy(
                depth, first_epoch, color=COLOURS[0], label="epoch", animated=True
            )
            self.axes.set(xlabel="layer, from the input", ylabel="gradient norm (median of the epoch)")
            self.legend = self.axes.legend(
                frameon=False, fontsize=STYLE["font.size"], loc="upper right", ncols=2
            )
            self.legend.set_animated(True)
        self.decades = whole_decades(first_epoch)
        self._draw_what_stays()

    def _draw_what_stays(self) -> None:
        self.axes.set_ylim(self.decades)
        self.canvas.draw()
        self.pixels = self.canvas.copy_from_bbox(self.axes.figure.bbox)

    def draw(self, this_epoch: Sequence[float], epoch: float) -> bytes:
        """Return a PNG of one epoch."""
        (low, high), (lowest, highest) = whole_decades(this_epoch), self.decades
        if low < lowest or high > highest:
            self.decades = min(low, lowest), max(high, highest)
            self._draw_what_stays()
        self.line.set_ydata(this_epoch)
        self.legend.get_texts()[1].set_text(f"epoch {epoch:.6g}")
        self.canvas.restore_region(self.pixels)
        for artist in (self.line, self.legend):
            self.axes.draw_artist(artist)
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(self.canvas.buffer_rgba())).save(buffer, format="png", compress_level=1)
        return buffer.getvalue()


def whole_decades(values: Sequence[float]) -> tuple[float, float]:
    """Return the powers of ten below and above all values that a logarithmic axis can show."""
    logs = [math.log10(value) for value in values if 0 < value < math.inf] or [0.0]
    return 10.0 ** math.floor(min(logs)), 10.0 ** (math.floor(max(logs)) + 1)
