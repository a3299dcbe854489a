"""A run as trackers know one: parameters, metrics by step, a summary, tags."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from skiprun.results.records import RunRecord, read
from skiprun.run import Run
from skiprun.system.documents import Row

MARKS = ("step", "epoch_end")  # of a row, that are no metrics
Numbers = dict[str, float]


@dataclass(frozen=True)
class LoggedRow:
    """The metrics of a row of the log.

    Attributes:
        step: of training.
        time: seconds since 1970.
        metrics: by tag; what was not finite is left out.
    """

    step: int
    time: float
    metrics: Numbers


@dataclass(frozen=True)
class TrackedRun:
    """What is written of a run.

    Attributes:
        name: with its seed.
        group: what all its seeds share.
        key: the same for a run wherever its directory is moved, and no other's.
        state: what became of it.
        begun, ended: seconds since 1970.
        params: its config, by dotted key.
        summary: the numbers of a finished run, by dotted key.
        facts: what else is known of it, in words.
        tags: that a person gave it.
        points: the log.
    """

    name: str
    group: str
    key: str
    state: str
    begun: float
    ended: float
    params: Mapping[str, object]
    summary: Numbers
    facts: Mapping[str, str]
    tags: Sequence[str]
    points: Sequence[LoggedRow]

    @property
    def digest(self) -> str:
        """What changes with anything that is written."""
        said = [self.state, dict(self.params), self.summary, dict(self.facts), list(self.tags)]
        log = [[point.step, point.metrics] for point in self.points]
        return digest_of([said, log])


def digest_of(content: object) -> str:
    """Return a short digest of plain data."""
    return blake2b(json.dumps(content, default=str).encode(), digest_size=8).hexdigest()


def tracked(run: Run) -> TrackedRun:
    """Read a run for a tracker.

    A log has no times of its own, so its rows are spread evenly from the beginning of the run to its last.
    """
    record, rows = read(run), run.metrics()
    begun, ended = begin_and_end(record)
    share = (ended - begun) / max(1, len(rows) - 1)
    return TrackedRun(
        name=run.name,
        group=run.path.parent.name,
        key=digest_of([run.name, *(session.get("time") for session in record.sessions[:1])]),
        state=record.state,
        begun=begun,
        ended=ended,
        params={key: value for key, value in record.config.items() if value is not None},
        summary=dict(numbers_of(record.summary)),
        facts=origin_of(record),
        tags=record.tags,
        points=[LoggedRow(step_of(row), begun + n * share, metrics_of(row)) for n, row in enumerate(rows)],
    )


def step_of(row: Row) -> int:
    """Return the step of a row."""
    return int(row.get("step") or 0)


def metrics_of(row: Row) -> Numbers:
    """Return the finite numbers of a row."""
    return dict(numbers_of({tag: value for tag, value in row.items() if tag not in MARKS}))


def numbers_of(values: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """Yield what is a finite number, by key."""
    for key, value in values.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield key, value


def origin_of(record: RunRecord) -> dict[str, str]:
    """Return where a run was trained and with what, as far as its latest session says."""
    latest = record.sessions[-1] if record.sessions else {}
    names = ("command", "commit", "skiprun", "torch", "python", "device")
    known = {name: str(latest[name]) for name in names if latest.get(name)}
    return known | {"directory": str(record.path.absolute())}


def begin_and_end(record: RunRecord) -> tuple[float, float]:
    """Return when a run began and last wrote a row, in seconds since 1970."""
    ended = record.run.metrics_file.stat().st_mtime if record.run.metrics_file.exists() else 0.0
    try:
        begun = datetime.fromisoformat(str(record.sessions[0]["time"])).timestamp()
    except (IndexError, KeyError, ValueError):
        return ended, ended
    return min(begun, ended), ended
