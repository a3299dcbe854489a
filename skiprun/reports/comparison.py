"""Finished runs side by side, grouped over seeds: the numbers, the statistics and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skiprun.reports.group import Group, gather
from skiprun.reports.mask_scores import about_masks
from skiprun.reports.protocol import Protocol, cautions, machines, read_protocol, scored_apart
from skiprun.reports.reading import Reading, read
from skiprun.reports.verdict import Verdict, judge
from skiprun.run import Run


@dataclass(frozen=True)
class Comparison:
    """Groups of runs and what was seen.

    Attributes:
        groups: one experiment each, over its finished seeds, in the order given.
        asides: runs that are not finished or cannot be read.
        apart: why the groups cannot be ranked; empty where they can.
        cautions: what else is unequal.
    """

    groups: tuple[Group, ...]
    asides: tuple[Reading, ...]
    apart: tuple[str, ...]
    cautions: tuple[str, ...]
    protocol: Protocol
    verdict: Verdict

    @property
    def remarks(self) -> list[str]:
        """What a reader must know beside the table: no ranking and why, what is unequal, the floor, what is left."""
        cautions = [f"Caution: {text}" for text in self.cautions]
        return [
            *self.apart,
            *cautions,
            *about_masks(self.groups),
            *(f"Not compared: {aside.line}" for aside in self.asides),
        ]

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        return {
            "groups": [group.plain() for group in self.groups],
            "verdict": self.verdict.plain(),
            "ranked": not self.apart,
            "not_ranked_because": list(self.apart),
            "cautions": list(self.cautions),
            "not_compared": [plain_aside(aside) for aside in self.asides],
            "protocol": asdict(self.protocol),
            "machines": machines(self.groups),
        }


def plain_aside(aside: Reading) -> dict[str, Any]:
    """Return a run that is not compared as plain data."""
    return {"run": aside.run.name, "path": str(aside.path), "state": aside.state, "message": aside.message}


def compare(runs: Sequence[Run], out: Path | None = None) -> Comparison:
    """Compare runs by experiment over their seeds; a run that is not finished or is damaged is named and left out.

    Args:
        runs: opened runs; one that is given twice counts once.
        out: a folder for report.html, report.md, comparison.json and the figures, if they are wanted.
    """
    readings = [read(run) for run in {run.path.absolute(): run for run in runs}.values()]
    groups = gather([reading for reading in readings if reading.finished])
    asides = tuple(reading for reading in readings if not reading.finished)
    apart, protocol = scored_apart(groups), read_protocol(groups)
    comparison = Comparison(groups, asides, apart, cautions(groups, protocol), protocol, judge(groups, asides, apart))
    if out is not None:
        from skiprun.reports.page import write_comparison

        write_comparison(comparison, out)
    return comparison
