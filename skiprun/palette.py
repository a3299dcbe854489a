"""The style of every figure: the colour-blind-safe palette of Okabe and Ito, and plain axes.

Its order lets the first three be told apart in grey too; grey stands for its yellow, which is lost on white.
Lines differ by colour and by dashes.
"""

from __future__ import annotations

from typing import TypedDict

COLOURS = ("#0072B2", "#E69F00", "#000000", "#CC79A7", "#009E73", "#56B4E9", "#D55E00", "#999999")
# Strokes and gaps in widths of a line; none is a line without gaps.
DASHES: tuple[tuple[float, ...], ...] = ((), (3.5, 2), (5, 1.5, 1, 1.5), (1, 1.5), (9, 2), (4, 1, 1, 1, 1, 1))
LOOKS = len(COLOURS) * len(DASHES)  # beyond so many curves they repeat
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
    linestyle: str | tuple[int, tuple[float, ...]]


def look(index: int) -> Look:
    """Return colour and line style of the n-th curve; no two of the first LOOKS are alike."""
    strokes = dashes(index)
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": (0, strokes) if strokes else "-"}


def dashes(index: int) -> tuple[float, ...]:
    """Return strokes and gaps of the n-th curve, in widths of its line."""
    return DASHES[(index + 3 * (index // len(COLOURS))) % len(DASHES)]  # 3: each colour meets all of them


def sequential_colour(share: float) -> str:
    """Return the colour at a share of the sequential palette, 0 to 1, as #rrggbb."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return to_hex(colormaps[SEQUENTIAL](min(1.0, max(0.0, share))))
