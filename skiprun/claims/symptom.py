"""Symptoms: signs in the log of a run that something went wrong, each with what was seen and what to try.

Each is a rule in a file of its own in `skiprun.claims.symptoms`. A rule returns None for a healthy run. Its
thresholds are far from what healthy runs show, as a false alarm costs a beginner more than a sign that is
missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from skiprun.registry import SYMPTOMS
from skiprun.results.records import read
from skiprun.results.run_log import Point, RunLog, read_log
from skiprun.run import Run


@dataclass(frozen=True)
class Symptom:
    """What a rule saw.

    Attributes:
        sentence: in words that a beginner understands.
        evidence: the values that show it; the first one is where it begins. None where nothing was logged.
        advice: what to try, the likeliest help first.
    """

    sentence: str
    evidence: tuple[Point, ...]
    advice: str


class LookedFor(TypedDict):
    """A symptom that was looked for: whether it was seen, and whether the run measured what shows it."""

    name: str
    looks_for: str
    measured: bool
    seen: bool


@dataclass(frozen=True)
class Explanation:
    """What the log of a run says of how its training went; symptoms are in the order in which they begin."""

    log: RunLog
    symptoms: dict[str, Symptom]
    looked_for: Sequence[LookedFor]

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain data."""
        symptoms = [
            {
                "name": name,
                "sentence": symptom.sentence,
                "evidence": [point._asdict() for point in symptom.evidence],
                "advice": symptom.advice,
            }
            for name, symptom in self.symptoms.items()
        ]
        record = self.log.record
        run = {
            "run": record.run.name,
            "state": record.state,
            "stopped_early": record.stopped_early,
            "message": record.message,
            "step": self.log.last_step,
        }
        return {**run, "symptoms": symptoms, "looked_for": list(self.looked_for)}


def explain(run: Run) -> Explanation:
    """Look for every symptom in the log of a run, finished or not."""
    log = read_log(read(run))
    found, looked_for = dict[str, Symptom](), list[LookedFor]()
    for entry in SYMPTOMS:
        measured = any(log.tags(beginning) for beginning in entry.info.reads)
        if symptom := entry.target(log):
            found[entry.name] = symptom
        looked_for.append(
            {
                "name": entry.name,
                "looks_for": entry.info.looks_for,
                "measured": measured,
                "seen": symptom is not None,
            }
        )
    in_time = sorted(found, key=lambda name: [point.step for point in found[name].evidence])
    return Explanation(log, {name: found[name] for name in in_time}, looked_for)
