"""Networks that are compared at one size: which widths were scaled for it, and what that changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skiprun.errors import percent

SizeKind = Literal["params", "macs"]
WORDS: dict[SizeKind, str] = {"params": "parameters", "macs": "multiply-adds"}
WITHIN = 0.02  # of the reference's size


@dataclass(frozen=True)
class WidthChange:
    """A network whose width was scaled.

    Attributes:
        name: as it was given.
        network: what its runs are called now.
        key: below `model`, that says the width.
        old, new: the width.
        before, after: the size.
    """

    name: str
    network: str
    key: str
    old: float
    new: float
    before: int
    after: int

    @property
    def option(self) -> str:
        """The new width as an option behind a name says it: width=15.5."""
        return f"{self.key}={self.new:.10g}"


@dataclass(frozen=True)
class SizeMatch:
    """Sizes that were matched.

    Attributes:
        kind: parameters, or multiply-adds for one image of the data.
        reference: the network that keeps its width, by the name of its runs.
        size: of the reference.
        changes: those of the others that were not as large already.
    """

    kind: SizeKind
    reference: str
    size: int
    changes: tuple[WidthChange, ...]

    @property
    def widths(self) -> dict[str, WidthChange]:
        """What was changed, by the names that were given."""
        return {each.name: each for each in self.changes}

    @property
    def sentences(self) -> list[str]:
        """Say what was changed, a network a sentence."""
        whole = f"{self.size:,} {WORDS[self.kind]} of {self.reference} within {percent(WITHIN)}"
        said = [
            f"Matched to the {whole}: {each.network} has {each.after:,} ({off(each.after, self.size)}) "
            f"with {each.option}, not {each.before:,} with {each.old:.10g}."
            for each in self.changes
        ]
        return said or [f"All have the {whole}; no width was changed."]

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain data."""
        return {**vars(self), "within": WITHIN, "changes": [vars(each) for each in self.changes]}


def is_within(size: float, target: float) -> bool:
    """Tell whether a size is as large as a target, within 2 %."""
    return abs(size - target) <= WITHIN * target


def off(size: float, target: float) -> str:
    """Return by how much a size differs from a target: +1.7 %."""
    return f"{100 * (size / target - 1):+.1f} %"
