"""A network behind the best one in test score: how far, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.claims.evidence import detectable, explain, format_p, in_parentheses, signed
from skiprun.results.significance import Difference


@dataclass(frozen=True)
class Rival:
    """A network behind the best.

    Attributes:
        behind: its test score minus the best's.
        p: corrected for the number of pairs among all networks.
        beyond_noise: whether it is behind by more than noise; None where that cannot be tested.
        is_level: whether the mean scores are the same, but for rounding.
    """

    network: str
    behind: Difference
    p: float
    beyond_noise: bool | None
    is_level: bool

    def words(self, score: str) -> str:
        """Say how far it is behind in a score."""
        tested = f", {format_p(self.p)}" if self.behind.tested else ""
        missed = f", {detectable(self.behind, score)}" if self.beyond_noise is False else ""
        points = " points" if score == "error" else ""
        return f"{self.network} ({signed(self.behind.mean, score)}{points}{tested}{missed})"


def why_untested(rivals: Sequence[Rival]) -> str:
    """Say why nothing can be claimed of networks, by the one with the fewest seeds."""
    fewest = min((rival.behind for rival in rivals), key=lambda gap: gap.n)
    return in_parentheses(explain(fewest, fewest.p))
