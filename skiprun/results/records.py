"""Read one run directory into a record; an unreadable one is reported and never stops a listing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from skiprun.errors import SkiprunError, in_a_line
from skiprun.results.images import ImageScores, read_images
from skiprun.run import Run, flat
from skiprun.run.differences import changes_since, recorded_config
from skiprun.run.tags import tags_of
from skiprun.system.documents import Row, read_rows
from skiprun.system.ordinary_files import open_to_read

BROKEN = "broken"
UNREADABLE = (SkiprunError, OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError)


@dataclass(frozen=True)
class RunRecord:
    """A run directory, read: its state is one of `skiprun.run.State` or 'broken'; keys are dotted."""

    run: Run
    state: str
    message: str = ""
    config: Mapping[str, object] = field(default_factory=dict)
    summary: Mapping[str, object] = field(default_factory=dict)
    sessions: tuple[Mapping[str, object], ...] = ()
    images: ImageScores | None = None
    tags: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.run.path

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.state == "finished"

    @property
    def stopped_early(self) -> bool:
        """Whether the run came to its end before all of its steps, by `schedule.patience`."""
        return self.summary.get("stopped_early") is True

    @property
    def seed(self) -> int:
        """The seed of the directory's name, which cannot be doubled, or else of its summary."""
        number = re.fullmatch(r"seed-(\d{1,18})", self.path.name)
        return int(number[1]) if number else int(self.number("seed", -1.0))

    def number(self, key: str, absent: float = math.nan) -> float:
        """Return a number of the summary; NaN where there is none."""
        value = self.summary.get(key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else absent

    def text(self, key: str) -> str:
        """Return a word of the summary, or else of the config, or '-'."""
        value = self.summary.get(key, self.config.get(key))
        return "-" if value is None else str(value)

    @property
    def line(self) -> str:
        """Say in one line what became of the run."""
        state = {"running": "is still running", "failed": "failed", "broken": "cannot be read"}
        said = state.get(self.state, self.state if self.state == "diverged" else f"is {self.state}")
        return f"{self.run.name}: {said}" + (f" ({self.message})" if self.message else "")


def read(run: Run) -> RunRecord:
    """Read a run directory; whatever is wrong with it becomes its state and message."""
    try:
        return _read(run)
    except UNREADABLE as error:
        return RunRecord(run, BROKEN, in_a_line(error))


def _read(run: Run) -> RunRecord:
    state, wrong = run.state, list[str]()
    config, sessions = dict[str, object](), tuple[Mapping[str, object], ...]()
    summary = run.summary() if state == "finished" else None
    try:
        recorded = run.recorded
        config = flat(recorded.to_dict())
        if summary and (changed := changes_since(summary, recorded)):
            wrong.append(f"its config.yaml was changed since it finished ({', '.join(changed)}); put it back")
            config = flat(recorded_config(summary["config"]).to_dict())
    except UNREADABLE as error:  # the summary alone still says the numbers
        wrong.append(f"config.yaml: {in_a_line(error)}")
    tags = tuple[str, ...]()
    try:
        sessions = tuple(flat(session) for session in run.sessions())
        tags = tuple(tags_of(run))
    except UNREADABLE as error:  # no number depends on either
        wrong.append(in_a_line(error))
    message = " ".join(filter(None, [run.message if state != "finished" else "", *wrong]))
    numbers = {key: value for key, value in flat(summary or {}).items() if not key.startswith("config.")}
    record = RunRecord(run, state, message, config, numbers, sessions, tags=tags)
    if config.get("seed", record.seed) != record.seed:  # or one run would count as two
        return replace(record, state=BROKEN, message=f"a copy of seed {config['seed']}")
    return record


def with_images(record: RunRecord) -> RunRecord:
    """Return the record of a finished run with what each test image scored, if the directory has that."""
    if not record.run.images_file.exists():  # an older run, or somebody needs the room
        return record
    try:
        score, checksum = record.text("data.score_name"), record.summary.get("images_sum")
        return replace(record, images=read_images(record.run.images_file, score, checksum))
    except UNREADABLE as error:  # the runs are compared without
        damaged = f"{in_a_line(error)}; its images are not compared"
        return replace(record, message=" ".join(filter(None, [record.message, damaged])))


def epoch_rows(run: Run) -> Iterator[Row]:
    """Yield the rows at the ends of epochs, without parsing the many rows between."""
    try:
        with open_to_read(run.metrics_file) as lines:
            yield from (row for _, row in read_rows(line for line in lines if b'"epoch_end"' in line) if row)
    except UNREADABLE:
        return
