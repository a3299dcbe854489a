"""The sources of a network's spread, shown: a table, a bar for each, and both in files."""

from __future__ import annotations

import math
import textwrap

from rich.console import Group, RenderableType
from rich.text import Text

from skiprun.claims.noise import ALL, MEANING, Noise
from skiprun.claims.noise_sources import interval_words
from skiprun.errors import percent
from skiprun.palette import STYLE, look
from skiprun.reports.axes import figure_and_axes
from skiprun.reports.drawing import Drawing
from skiprun.reports.layout import PlainTable
from skiprun.reports.result_files import write_result
from skiprun.results.variance_components import Component, VarianceComponents

NARROW = 20  # signs of a heading


def noise_rows(noise: Noise) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows: a source each, and last the runs in which all of them vary."""
    headings = ["what varies", "seeds"]
    for key in noise.components:
        headings += [f"spread of {_named(key)} (95 %)", "share of variance"]
    parts = [_by_source(found) for found in noise.components.values()]
    return headings, [_row(arm, [each[arm] for each in parts], noise) for arm in parts[0]]


def _by_source(found: VarianceComponents) -> dict[str, Component]:
    """Return every component of a number by what varies."""
    return found.alone | {ALL: found.total}


def _row(arm: str, parts: list[Component], noise: Noise) -> list[str]:
    """Return a row: how many seeds, and of each number the standard deviation and its part."""
    cells = [arm, str(parts[0].n)]
    for part, found in zip(parts, noise.components.values(), strict=True):
        share = part.variance / found.total.variance if found.total.variance else math.nan
        cells += [interval_words(part.std), "-" if math.isnan(share) else percent(share)]
    return cells


def _named(key: str) -> str:
    """Return what a number of the summaries is called, an error with the unit of its spread."""
    name = key.replace(".", " ")
    return f"{name}, points" if name.endswith("error") else name


def noise_table(noise: Noise) -> RenderableType:
    """Return the table, and below it what is said of it."""
    headings, rows = noise_rows(noise)
    shown = [(textwrap.fill(text, NARROW), number > 0) for number, text in enumerate(headings)]
    return Group(PlainTable(shown, rows), Text(), *map(Text, lines(noise)))


def lines(noise: Noise) -> list[str]:
    """Return all that is said beside the table: findings, remarks, and what a part means."""
    return [*noise.finding.sentences, *noise.remarks, MEANING]


def draw_noise(noise: Noise) -> Drawing:
    """Draw the standard deviation of the score that each source gives, with its interval."""
    from matplotlib import rc_context

    key, found = next(iter(noise.components.items()))
    parts = {arm: part.std for arm, part in _by_source(found).items() if not math.isnan(part.variance)}
    with rc_context(STYLE):
        figure, axes = figure_and_axes(1.1 + 0.36 * len(parts))
        for place, (arm, std) in enumerate(parts.items()):
            colour = look(int(arm == ALL))["color"]
            axes.barh(place, std.value, 0.6, color=colour, alpha=0.75)
            axes.plot([std.low, std.high], [place] * 2, color="black", linewidth=1.2)
        axes.set_yticks(range(len(parts)), parts)
        axes.set_ylim(len(parts) - 0.4, -0.6)
        axes.set(xlabel=f"standard deviation of {_named(key)}", ylabel="what varies")
        axes.grid(visible=False, axis="y")
    caption = (
        f"Spread of {noise.label}: each source while the others are held, and all together; 95 % intervals."
    )
    return Drawing("noise", caption, figure)


def write_noise(noise: Noise) -> None:
    """Write noise.json, noise.md and noise.png beside the runs.

    Raises:
        StorageError: the folder cannot be written.
    """
    title = f"Noise of {noise.label}"
    write_result(noise.folder, title, *noise_rows(noise), draw_noise(noise), lines(noise), noise.to_dict())
