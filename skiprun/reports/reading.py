"""What one run directory says; a directory that says nothing is named, and never stops a listing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skiprun.errors import SkiprunError
from skiprun.run import Run, flat

NEEDED = ("model.name", "data.name", "data.score_name", "data.better")
BROKEN = "broken"
UNREADABLE = (SkiprunError, OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError)


@dataclass(frozen=True)
class Reading:
    """A run directory, read: its state is one of `skiprun.run.State` or 'broken'; keys are dotted."""

    run: Run
    state: str
    message: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    sessions: tuple[dict[str, Any], ...] = ()

    @property
    def path(self) -> Path:
        return self.run.path

    @property
    def finished(self) -> bool:
        return self.state == "finished"

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


def read(run: Run) -> Reading:
    """Read a run directory; whatever is wrong with it becomes its state and message."""
    try:
        return _read(run)
    except UNREADABLE as error:
        return Reading(run, BROKEN, _first_line(error))


def _read(run: Run) -> Reading:
    state, config, message = run.state, {}, ""
    try:
        config = flat(run.config.plain())
    except UNREADABLE as error:  # the summary alone still says the numbers
        message = f"config.yaml: {_first_line(error)}"
    if state != "finished":
        return Reading(run, state, run.message or message, config, sessions=_sessions(run))
    summary = flat(run.summary())
    if missing := [key for key in NEEDED if not isinstance(summary.get(key), str)]:
        return Reading(run, BROKEN, f"summary.json lacks {', '.join(missing)}", config)
    return Reading(run, state, message, config, summary, _sessions(run))


def _sessions(run: Run) -> tuple[dict[str, Any], ...]:
    """Return the sessions of environment.json without their data, or none: no number depends on it."""
    try:
        sessions = json.loads(run.environment_file.read_text(encoding="utf-8"))["sessions"]
        return tuple(flat({key: value for key, value in session.items() if key != "data"}) for session in sessions)
    except UNREADABLE:
        return ()


def _first_line(error: BaseException) -> str:
    """Return what an error says, cut to a line."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return text if len(text) <= 160 else text[:157] + "..."


def epoch_rows(run: Run) -> Iterator[dict[str, Any]]:
    """Yield the rows at the ends of epochs, without parsing the many rows between."""
    try:
        with run.metrics_file.open(encoding="utf-8") as lines:
            for line in lines:
                if '"epoch_end"' in line and line.endswith("\n"):
                    yield json.loads(line)
    except UNREADABLE:
        return
