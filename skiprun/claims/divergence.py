"""Claim: a network did not converge; its numbers are then of the runs that did, and flatter it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from skiprun.claims.finding import Finding
from skiprun.results.groups import Group, home
from skiprun.results.records import RunRecord


def judge(groups: Sequence[Group], unfinished: Sequence[RunRecord]) -> Finding[dict[Path, int]]:
    """Count the diverged runs of each experiment, by its directory."""
    lost = Counter(home(record.path) for record in unfinished if record.state == "diverged")
    finished = {home(group.first.path): group for group in groups}
    return Finding(lost, tuple(_lost_runs(place, n, finished.get(place)) for place, n in lost.items()))


def _lost_runs(place: Path, diverged: int, finished: Group | None) -> str:
    """Say what the loss of some runs means for the numbers of a network."""
    if finished:
        return (
            f"{diverged} of {diverged + len(finished.runs)} runs of {finished.label} diverged; its numbers "
            "are of those that did not, and flatter it."
        )
    return (
        f"{place.name} diverged in every run, so it has no final training loss. Failing to converge is "
        "another fault than degradation (He et al. 2015, section 1): try a lower optim.lr, a longer "
        "schedule.warmup or optim.clip_norm."
    )
