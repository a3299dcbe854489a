"""Compare groups of finished runs: test scores, paired statistics, and the verdict on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skiprun.claims.verdict import Verdict, judge
from skiprun.results.cautions import cautions, why_not_comparable
from skiprun.results.fold_remarks import fold_remarks
from skiprun.results.group_document import group_document
from skiprun.results.grouping import group_by_experiment
from skiprun.results.groups import Group
from skiprun.results.mask_scores import mask_remarks
from skiprun.results.protocol import Protocol, machines, read_protocol
from skiprun.results.records import RunRecord, read, with_images
from skiprun.results.sequential import InterimLook
from skiprun.results.size_match import SizeMatch
from skiprun.run import Run
from skiprun.system.shown import Shown, columns_of


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Groups of runs and what was seen.

    Attributes:
        groups: one experiment each, over its finished seeds, in the order given.
        unfinished: runs that are not finished or cannot be read.
        not_comparable: why the groups cannot be ranked; empty where they can.
        cautions: what else is unequal.
        report: the page that shows it, if one was written.
        size_match: which widths were scaled, if sizes were matched.
    """

    groups: tuple[Group, ...]
    unfinished: tuple[RunRecord, ...]
    not_comparable: tuple[str, ...]
    cautions: tuple[str, ...]
    protocol: Protocol
    verdict: Verdict
    report: Path | None = None
    size_match: SizeMatch | None = None

    @property
    def remarks(self) -> list[str]:
        """What a reader must know: why nothing is ranked, what is unequal or scaled, what was left out."""
        cautions = [f"Caution: {text}" for text in self.cautions]
        return [
            *self.not_comparable,
            *cautions,
            *(self.size_match.sentences if self.size_match else []),
            *fold_remarks(self.groups),
            *mask_remarks(self.groups),
            *(f"Not compared: {record.line}" for record in self.unfinished),
        ]

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(group.label for group in self.groups)}>"

    def columns(self) -> dict[str, list[Any]]:
        """Return the numbers of each run as columns: its network, its seed, and all that summary.json has."""
        runs = [(group, run) for group in self.groups for run in group.runs]
        return columns_of([{"network": group.label, "seed": run.seed, **run.summary} for group, run in runs])

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data, for JSON."""
        return {
            "groups": [group_document(group) for group in self.groups],
            "verdict": self.verdict.to_dict(),
            "ranked": not self.not_comparable,
            "not_ranked_because": list(self.not_comparable),
            "cautions": list(self.cautions),
            "not_compared": [unfinished_to_dict(record) for record in self.unfinished],
            "protocol": asdict(self.protocol),
            "machines": machines(self.groups),
            "size_match": self.size_match and self.size_match.to_dict(),
        }


def unfinished_to_dict(record: RunRecord) -> dict[str, object]:
    """Return a run that is not compared as plain data."""
    return {
        "run": record.run.name,
        "path": str(record.path),
        "state": record.state,
        "message": record.message,
    }


def compare_runs(
    runs: Sequence[Run], same_within: float | None = None, look: InterimLook | None = None
) -> Comparison:
    """Compare runs by experiment over their seeds; an unfinished or damaged run is named and left out.

    Args:
        runs: opened runs; one that is given twice counts once.
        same_within: margin of the test score within which two networks count as equivalent, if one is asked.
        look: at which this is, where seeds are added until all is decided; None: their number was fixed.
    """
    records = [read(run) for run in {run.path.absolute(): run for run in runs}.values()]
    groups = group_by_experiment([with_images(record) for record in records if record.finished])
    unfinished = tuple(record for record in records if not record.finished)
    protocol, why = read_protocol(groups), why_not_comparable(groups)
    verdict = judge(groups, unfinished, why, same_within, look)
    return Comparison(groups, unfinished, why, cautions(groups, protocol), protocol, verdict)
