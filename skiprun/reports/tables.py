"""Tables of a comparison for the terminal: in 80 columns, ASCII; text from runs is never read as markup."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from skiprun.claims.comparison import Comparison
from skiprun.reports.columns import Column, columns
from skiprun.reports.layout import Fitting, PlainTable
from skiprun.reports.rivals import rival_table


def comparison_table(comparison: Comparison) -> RenderableType:
    """Return the table of a comparison, and the remarks that belong to it."""
    remarks = [Text(remark) for remark in comparison.remarks]
    if not comparison.groups:
        return Group("No finished runs to compare.", *remarks)
    name, *others = columns(comparison.groups)

    def table(*parts: str) -> PlainTable:
        return _columns_table(comparison, [name, *(column for column in others if column.part in parts)])

    wide = [_columns_table(comparison, [name, *others])]
    halves = [table("network"), table("training", "test")]
    thirds = [table("network"), table("training"), table("test")]
    return Group(
        Fitting(wide, halves, thirds), Text(), *rival_table(comparison.verdict.ranking.evidence), *remarks
    )


def _columns_table(comparison: Comparison, shown: Sequence[Column]) -> PlainTable:
    """Return some columns of a comparison; headings break after their first word."""
    headings = [(column.heading.replace(" ", "\n", 1), column.is_number) for column in shown]
    return PlainTable(headings, [[column.text(group) for column in shown] for group in comparison.groups])
