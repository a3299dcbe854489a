"""What the document of a study holds, as the study runner writes it, and tables and figures read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

Row = Mapping[str, Any]  # numbers and words by column
Facts = Mapping[str, Any]  # the same by name


class Description(TypedDict):
    """How rows are drawn, see `skiprun.studies.base.Figure`; `way` keeps the order of the rows of a line."""

    title: str
    kind: str
    x: str
    y: str
    xlabel: str
    ylabel: str
    value: str
    valuelabel: str
    where: Mapping[str, object]
    group: str
    panel: NotRequired[str]
    band: Sequence[str] | None
    guides: Sequence[str]
    log: bool
    way: NotRequired[bool]


class StudyIdentity(TypedDict):
    """What rows of another try must share: study, options, data and weights."""

    study: str
    skiprun: str
    options: Mapping[str, object]
    look: Mapping[str, object]
    subjects: list[dict[str, object]]
    fingerprint: str


class StudyFindings(TypedDict):
    """What was found, and how it is drawn."""

    label: str
    paper: str | None
    run: str | None
    torch: str
    threads: int
    seconds: float
    verdict: str
    facts: Facts
    figures: list[Description]
    rows: Sequence[Row]


class Document(StudyIdentity, StudyFindings):
    """All of it."""
