"""A sweep shown: a table of its arms, their parallel coordinates, and both in files."""

from __future__ import annotations

import math
import textwrap

from rich.console import Group, RenderableType
from rich.text import Text

from skiprun.claims.arm_result import ArmResult
from skiprun.claims.evidence import p_value, signed
from skiprun.claims.sweep import Sweep
from skiprun.config.type_words import yaml_text
from skiprun.errors import percent
from skiprun.palette import STYLE
from skiprun.reports.drawing import Drawing
from skiprun.reports.layout import PlainTable
from skiprun.reports.parallel_coordinates import ArmLine, draw_parallel
from skiprun.reports.result_files import write_result
from skiprun.results.numbers import format_score, format_spread, score_unit

NARROW = 14  # signs of a heading


def sweep_rows(sweep: Sweep) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows: an arm each, the chosen one first."""
    score = _score(sweep)
    unit = score_unit(score)
    headings = [*_keys(sweep), "result", "seeds", f"val {score}{unit}", f"test {score}{unit}"]
    return [*headings, "val minus chosen", "p"], [_arm_row(each, score) for each in sweep.arms]


def _score(sweep: Sweep) -> str:
    """Return the name of the score; where no arm came to its end there is none."""
    return sweep.finding.evidence.score if sweep.finding.evidence else "score"


def _keys(sweep: Sweep) -> list[str]:
    """Return the keys that are varied."""
    return list(sweep.arms[0].arm.settings)


def _arm_row(result: ArmResult, score: str) -> list[str]:
    """Return what is said of an arm."""
    group, contender, stop = result.group, result.contender, result.arm.stop
    cells = [yaml_text(value) for value in result.arm.settings.values()]
    cells += [f"{result.state} at {percent(stop.share)}" if stop else result.state]
    if group is None:
        at_rung = format_score(stop.best.score, score) if stop and stop.best else "-"
        return [*cells, str(len(result.arm.runs)), f"({at_rung})" if stop else "-", "-", "-", "-"]
    val, test = group.sample(group.val_score), group.sample(group.test_score)
    seeds = str(val.n) if val.n == len(result.arm.runs) else f"{val.n} of {len(result.arm.runs)}"
    behind = contender.behind.mean if contender else math.nan
    return [
        *cells,
        seeds,
        format_spread(val, score),
        format_spread(test, score),
        "-" if math.isnan(behind) else signed(behind, score),
        p_value(contender.p) if contender else "-",
    ]


def sweep_table(sweep: Sweep) -> RenderableType:
    """Return the table, and below it what is said of it."""
    headings, rows = sweep_rows(sweep)
    words = len(_keys(sweep)) + 1
    shown = [
        (textwrap.fill(heading.replace(".", ". "), NARROW).replace(". ", "."), number >= words)
        for number, heading in enumerate(headings)
    ]
    return Group(PlainTable(shown, rows), Text(), *map(Text, sweep_lines(sweep)))


def sweep_lines(sweep: Sweep) -> list[str]:
    """Return all that is said beside the table."""
    return [*sweep.finding.sentences, *sweep.remarks]


def draw_sweep(sweep: Sweep) -> Drawing:
    """Draw the arms over the keys that are varied, and over the validation score that chose."""
    from matplotlib import rc_context

    score = _score(sweep)
    arms = [
        ArmLine(
            [
                *each.arm.settings.values(),
                each.group.mean(each.group.val_score) if each.group and not each.arm.stop else None,
            ],
            chosen=each.state == "chosen",
        )
        for each in sweep.arms
    ]
    with rc_context(STYLE):
        figure = draw_parallel([*_keys(sweep), f"val {score}{score_unit(score)}"], arms)
    caption = (
        f"Arms of {sweep.label}, coloured by the validation {score}, mean over seeds; thick: the chosen one; "
        "dotted: those without a score, such as what was stopped early."
    )
    return Drawing("sweep", caption, figure)


def write_sweep(sweep: Sweep) -> None:
    """Write sweep.json, sweep.md and sweep.png beside the runs.

    Raises:
        StorageError: the folder cannot be written.
    """
    title = f"Sweep {sweep.label}"
    write_result(
        sweep.folder, title, *sweep_rows(sweep), draw_sweep(sweep), sweep_lines(sweep), sweep.to_dict()
    )
