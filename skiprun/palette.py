"""The style of every figure: the colour-blind-safe palette of Okabe and Ito, and plain axes.

Its order lets the first three be told apart in grey too; grey stands for its yellow, which is lost on white.
Lines differ by colour and by dashes.
"""

from __future__ import annotations

from typing import TypedDict

COLOURS = ("#0072B2", "#E69F00", "#000000", "#CC79A7", "#009E73", "#56B4E9", "#D55E00", "#999999")
LINES = ("-", "--", "-.", ":")
LOOKS = len(COLOURS) * len(LINES)  # beyond so many curves they repeat
SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"

STYLE: dict[str, bool | float] = {
    "figure.dpi": 130,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
}


class Look(TypedDict):
    """How a curve is drawn, in matplotlib's words."""

    color: str
    linestyle: str


def look(index: int) -> Look:
    """Return colour and line style of the n-th curve; no two of the first LOOKS are alike."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "linestyle": LINES[(index + index // len(COLOURS)) % len(LINES)],
    }


def sequential_colour(share: float) -> str:
    """Return the colour at a share of the sequential palette, 0 to 1, as #rrggbb."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return to_hex(colormaps[SEQUENTIAL](min(1.0, max(0.0, share))))
