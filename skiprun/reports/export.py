"""A comparison for papers and notebooks: a LaTeX table, and a CSV file with a number a line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from skiprun.reports.columns import columns
from skiprun.results.groups import Group
from skiprun.results.summary_keys import LOSS, RATIO, SPEED

FIELDS = ("network", "connection", "parameters", "macs", "number", "n", "mean", "std", "low", "high")


def csv_text(groups: Sequence[Group]) -> str:
    """Return mean, sample standard deviation and 95 % interval of every number of the table, a line each."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for group in groups for row in _numbers(group))
    return text.getvalue()


def _numbers(group: Group) -> Iterator[dict[str, object]]:
    network = {
        "network": group.label,
        "connection": group.connection,
        "parameters": group.first.summary.get("model.parameters"),
        "macs": group.first.summary.get("model.macs"),
    }
    tests = [f"test.{name}" for name in group.test_scores]
    for key in (LOSS, group.train_score, group.val_score, *tests, RATIO, SPEED):
        yield {**network, "number": key, **asdict(group.sample(key))}


def latex_table(groups: Sequence[Group]) -> str:
    """Return the table of a comparison for the package booktabs."""
    shown = columns(groups)
    layout = "".join("r" if column.is_number else "l" for column in shown)
    lines = [[column.heading for column in shown], *([c.text(group) for c in shown] for group in groups)]
    heading, *rows = (" & ".join(map(latex_text, line)) + r" \\" for line in lines)
    return (
        "\n".join(
            [rf"\begin{{tabular}}{{{layout}}}", r"\toprule", heading, r"\midrule", *rows, r"\bottomrule", ""]
        )
        + "\\end{tabular}\n"
    )


def latex_text(text: str) -> str:
    """Return a text that LaTeX shows as it is."""
    names = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    escaped = re.sub(r"[\\~^&%$#_{}]", lambda found: names.get(found[0], "\\" + found[0]), text)
    return escaped.replace(" +- ", r" $\pm$ ")
