"""An entry of a registry: a thing with its name and typed facts about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from skiprun.infos import Info

Target = TypeVar("Target")
Facts = TypeVar("Facts", bound=Info)


@dataclass(frozen=True)
class Entry(Generic[Target, Facts]):
    """One registered thing with what is said of it.

    Attributes:
        module: the module that registered it; the target may come from elsewhere.
    """

    name: str
    target: Target
    info: Facts
    module: str

    @property
    def summary(self) -> str:
        """First line of the target's docstring, unless its info has another."""
        return self.info.summary or (self.target.__doc__ or "").strip().split("\n")[0]
