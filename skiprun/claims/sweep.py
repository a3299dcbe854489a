"""Read the runs of a sweep: which arm is chosen, what each came to, and which were stopped early."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.claims import choice
from skiprun.claims.arm_result import ArmResult, ArmRuns, State
from skiprun.claims.choice import Choice
from skiprun.claims.finding import Finding
from skiprun.errors import counted, percent
from skiprun.results.cautions import why_not_comparable
from skiprun.results.fairness import group_differences
from skiprun.results.groups import Group
from skiprun.results.protocol import is_any
from skiprun.results.records import RunRecord, read

BEYOND: dict[bool | None, State] = {True: "behind", False: "not told apart", None: "untested"}


@dataclass(frozen=True)
class Sweep:
    """What a sweep found.

    Attributes:
        label: what it is called.
        arms: the chosen one first, then by validation score, those that were stopped early last.
        finding: which arm is chosen, and what the seeds carry.
        remarks: what else a reader must know.
        folder: where the runs are, and what is written of them.
    """

    label: str
    arms: tuple[ArmResult, ...]
    finding: Finding[Choice | None]
    remarks: tuple[str, ...]
    folder: Path

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data, for JSON."""
        choice = self.finding.evidence
        return {
            "name": self.label,
            "score": choice and choice.score,
            "chosen": choice and choice.chosen,
            "arms": [each.to_dict() for each in self.arms],
            "sentences": list(self.finding.sentences),
            "remarks": list(self.remarks),
        }


def read_sweep(label: str, arms: Sequence[ArmRuns], folder: Path) -> Sweep:
    """Read the runs of a sweep and judge them.

    Args:
        label: what it is called.
        arms: in their order; they are told apart by their labels.
        folder: where the runs are.
    """
    records = {arm.label: [read(run) for run in arm.runs] for arm in arms if not arm.stop}
    groups = {name: group for name, found in records.items() if (group := _group(name, found))}
    whole = [group for name, group in groups.items() if _is_whole(group, len(records[name]))]
    why = why_not_comparable(whole)
    finding = choice.judge([] if why else whole, len(arms))
    results = [_result(arm, records.get(arm.label, []), groups, finding.evidence) for arm in arms]
    results.sort(key=_order_of(finding.evidence))
    return Sweep(label, tuple(results), finding, (*why, *_remarks(results, whole)), folder)


def _group(label: str, records: Sequence[RunRecord]) -> Group | None:
    """Return the finished runs of an arm, if there are any."""
    finished = [record for record in records if record.finished]
    return Group(label, tuple(sorted(finished, key=lambda run: run.seed))) if finished else None


def _is_whole(group: Group, seeds: int) -> bool:
    """Tell whether every seed of an arm has its scores: the mean of those that did not fail flatters it."""
    return all(len(group.by_seed(key)) == seeds for key in (group.val_score, group.test_score))


def _result(
    arm: ArmRuns, records: Sequence[RunRecord], groups: Mapping[str, Group], choice: Choice | None
) -> ArmResult:
    """Return what became of an arm."""
    group, unfinished = groups.get(arm.label), tuple(record for record in records if not record.finished)
    contenders = {each.arm: each for each in (choice.contenders if choice else ())}
    contender = contenders.get(arm.label)
    state: State = "not ranked"
    if arm.stop:
        state = "stopped early"
    elif choice and arm.label == choice.chosen:
        state = "chosen"
    elif contender:
        state = BEYOND[contender.beyond_noise]
    elif group is None or not _is_whole(group, len(arm.runs)):
        state = "not finished"
    return ArmResult(arm, state, group, contender, unfinished)


def _order_of(choice: Choice | None) -> Callable[[ArmResult], tuple[float, ...]]:
    """Return the place of an arm in a table: by its score, then what has none, then what was stopped last."""
    ranked = [choice.chosen, *(each.arm for each in choice.contenders)] if choice else []

    def place(result: ArmResult) -> tuple[float, ...]:
        label, stop = result.arm.label, result.arm.stop
        if stop:
            return math.inf, -stop.share, stop.best.cost if stop.best else math.inf
        return (ranked.index(label) if label in ranked else math.inf), -1.0

    return place


def _remarks(results: Sequence[ArmResult], groups: Sequence[Group]) -> Iterator[str]:
    """Say what was stopped early, what did not come to its end, and what else is unequal."""
    shares = [result.arm.stop.share for result in results if result.arm.stop]
    if shares:
        rungs = ", ".join(
            f"{counted(shares.count(each), 'arm')} at {percent(each)} of the run"
            for each in sorted({*shares})
        )
        yield (
            f"Stopped early by successive halving: {rungs}. They are in no test, their scores in parentheses "
            "are of where they stopped, and one that learns slowly at first may be among them."
        )
    for result in results:
        yield from (f"Not chosen from: {result.arm.label}, as {each.line}." for each in result.unfinished)
    swept = [name for key in results[0].arm.settings for name in (key, f"{key}.")]
    if unlike := [key for key in group_differences(groups) if not is_any(key, swept)]:
        yield f"Caution: the runs differ in {', '.join(unlike)} too."
