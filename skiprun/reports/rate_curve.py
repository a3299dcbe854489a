"""The curve of a rising learning rate as a figure, with its files."""

from __future__ import annotations

from pathlib import Path

from skiprun.palette import STYLE, look
from skiprun.reports.axes import figure_and_axes
from skiprun.reports.drawing import Drawing
from skiprun.reports.result_files import write_result
from skiprun.results.rate_curve import RateCurve


def write_rate_curve(curve: RateCurve, folder: Path) -> Path:
    """Write figure, sentences and numbers into a folder; return the picture.

    Raises:
        StorageError: the folder cannot be written.
    """
    rows = [[f"{rate:.3g}", f"{loss:.4g}"] for rate, loss in curve.points]
    drawing = draw_rate_curve(curve)
    title = f"Learning rates of {curve.name}"
    write_result(folder, title, ["lr", "loss"], rows, drawing, curve.sentences, curve.to_dict())
    return folder / f"{drawing.name}.png"


def draw_rate_curve(curve: RateCurve) -> Drawing:
    """Draw the loss of each step and its moving average over the rate, and the suggestion."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = figure_and_axes(3.4)
        rates, losses = zip(*curve.points, strict=True)
        main = look(0)
        axes.plot(rates, losses, ".", color=main["color"], alpha=0.35, label="loss of a step")
        axes.plot(rates, curve.smooth, **main, label="moving average")
        if curve.suggestion is not None:
            axes.axvline(curve.suggestion, **look(1), label=f"suggested {curve.suggestion:g}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        axes.set_ylim(0, 1.25 * curve.highest_before)
        figure.legend(loc="outside lower center", ncols=3)
    return Drawing("lr_find", f"Training loss of {curve.name} while the learning rate rises.", figure)
