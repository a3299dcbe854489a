"""What was measured for the cards: `measured.json`, which `python -m docs.generate.measure` writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from skiprun.system.files import write_text

SOURCES = Path(__file__).parent
FIGURES = SOURCES.parent / "figures"
FILE = SOURCES / "measured.json"


class TrialResult(TypedDict):
    """What one controlled experiment found, by the name of the arm.

    Attributes:
        scores: of the test split, one a seed.
        step: time of a training step as a multiple of that with `add`.
    """

    scores: dict[str, list[float]]
    step: dict[str, float]


class StudyFound(TypedDict):
    """What one command of a study found.

    Attributes:
        seconds: time of the whole command.
        verdicts: what it said, by network.
    """

    seconds: float
    verdicts: dict[str, str]


class Measured(TypedDict):
    """All that was measured, each part with the machine that it was measured on."""

    machines: dict[str, str]
    trials: dict[str, TrialResult]
    studies: dict[str, StudyFound]


def read() -> Measured:
    """Return what is known."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def refuse_unmeasured(names: Iterable[str], found: Iterable[str], part: str) -> None:
    """Say how what has no card yet comes to one."""
    if missing := sorted(set(names) - set(found)):
        more = " (after an entry in docs/generate/studies.yaml)" if part == "studies" else ""
        command = f"python -m docs.generate.measure {part}"
        raise SystemExit(f"Not measured yet: {', '.join(missing)}. Run `{command}`{more}, then `make docs`.")


@contextmanager
def changing() -> Iterator[Measured]:
    """Give what is known to be changed, and write it."""
    measured = read()
    yield measured
    write_text(FILE, json.dumps(measured, indent=1, sort_keys=True) + "\n")
