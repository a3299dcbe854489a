"""What became of an arm of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from skiprun.claims.choice import Contender
from skiprun.claims.comparison import unfinished_to_dict
from skiprun.results.groups import Group
from skiprun.results.records import RunRecord
from skiprun.results.rungs import Stop
from skiprun.run import Run

State = Literal[
    "chosen", "behind", "not told apart", "untested", "stopped early", "not finished", "not ranked"
]


@dataclass(frozen=True)
class ArmRuns:
    """An arm of a sweep: its settings by key, its runs, and where it was stopped early, if it was."""

    label: str
    settings: Mapping[str, object]
    runs: tuple[Run, ...]
    stop: Stop | None = None


@dataclass(frozen=True)
class ArmResult:
    """What became of an arm.

    Attributes:
        group: its finished runs; None where there are none, or it was stopped early.
        contender: how it compares with the chosen one.
        unfinished: its runs that came to no end, of an arm that was not stopped early.
    """

    arm: ArmRuns
    state: State
    group: Group | None
    contender: Contender | None
    unfinished: tuple[RunRecord, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the arm as plain data."""
        group = self.group
        return {
            "arm": self.arm.label,
            "settings": dict(self.arm.settings),
            "state": self.state,
            "val": asdict(group.sample(group.val_score)) if group else None,
            "test": asdict(group.sample(group.test_score)) if group else None,
            "against_the_chosen": self.contender and asdict(self.contender),
            "stopped": self.arm.stop and self.arm.stop.to_dict(),
            "runs": [str(run.path) for run in self.arm.runs],
            "not_finished": [unfinished_to_dict(record) for record in self.unfinished],
        }
