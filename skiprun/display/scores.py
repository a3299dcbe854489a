"""Scores in words: of an epoch, of a run, each with its unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from skiprun.system.progress import Record

if TYPE_CHECKING:  # importing a run directory takes longer than any --help
    from skiprun.run.documents import Summary


def format_value(value: float | None, form: str = ".4g") -> str:
    """Return a score, or '-' where there was nothing to score."""
    return "-" if value is None or math.isnan(value) else f"{value:{form}}"


def named_score(name: str, value: float | None) -> str:
    """Return a score behind its name, an error with its unit."""
    return f"{name} {format_value(value)}{' %' if name.split()[-1] == 'error' else ''}"


def test_scores(summary: Summary) -> str:
    """Return the test scores of a run in a line, each with that of the trivial answer where there is one."""
    trivial = summary.get("trivial", {}).get("test", {})
    shown = {name: f" ({format_value(value)} by one class everywhere)" for name, value in trivial.items()}
    return ", ".join(
        named_score(name, value) + shown.get(name, "") for name, value in summary["test"].items()
    )


def scores_of(record: Record) -> list[str]:
    """Return the loss, the scores and the speed of an epoch, a text each."""
    scores = [
        named_score(tag.removeprefix("train/epoch_").replace("/", " "), value)
        for tag, value in record.items()
        if tag.startswith(("train/epoch_loss", "val/"))
    ]
    return [*scores, f" {record['time/images_per_s']:,.0f} images/s"]
