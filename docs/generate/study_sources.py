"""What is written by hand for the study cards: `studies.yaml`."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from docs.generate.measured import SOURCES


class StudySource(BaseModel):
    """One study.

    Attributes:
        command: what made its figures and what is said of them.
        figures: the names of those that the card shows.
        read: what to look for in them.
    """

    model_config = ConfigDict(extra="forbid")

    command: str
    figures: list[str]
    read: str


class StudySources(BaseModel):
    """All of them, and the commands that train what they look at."""

    model_config = ConfigDict(extra="forbid")

    prepare: list[str]
    studies: dict[str, StudySource]


def study_sources() -> StudySources:
    """Return what the file says."""
    found: Any = yaml.safe_load((SOURCES / "studies.yaml").read_text(encoding="utf-8"))
    return StudySources.model_validate(found)
