"""What the signature of a study says: what it needs, and what a user may choose; read without torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
CALLERS = ("known", "report")  # what the caller of a study gives by keyword, not its user


def needs(study: Callable[..., Any]) -> list[str]:
    """Return what a study takes by position, in the words of the vocabulary."""
    given = inspect.signature(study).parameters.values()
    return [each.name for each in given if each.kind is not each.KEYWORD_ONLY]


def options(study: Callable[..., Any]) -> dict[str, object]:
    """Return what a user may choose, with its default."""
    given = inspect.signature(study).parameters.values()
    return {
        each.name: each.default
        for each in given
        if each.kind is each.KEYWORD_ONLY and each.name not in CALLERS
    }
