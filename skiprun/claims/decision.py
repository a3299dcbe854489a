"""Whether a comparison has seen enough: each network has its place, and more seeds have nothing to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from skiprun.claims.convergence import Convergence
from skiprun.claims.finding import Finding
from skiprun.claims.ranking import Ranking
from skiprun.errors import counted
from skiprun.results.sequential import InterimLook
from skiprun.results.significance import exceeds_noise


@dataclass(frozen=True)
class Decision:
    """How far a comparison has come that adds seeds until all is decided.

    Attributes:
        seeds, most: seeds at this look and at the last.
        undecided: networks that are neither behind the best beyond the noise nor equivalent to it.
        impossible: whether no number of seeds can decide, since the networks cannot be ranked.
    """

    seeds: int
    most: int
    undecided: tuple[str, ...]
    impossible: bool

    @property
    def is_made(self) -> bool:
        """Whether all is decided."""
        return not self.undecided and not self.impossible

    @property
    def is_last(self) -> bool:
        """Whether no seed is to be added."""
        return self.is_made or self.impossible or self.seeds == self.most

    @property
    def headline(self) -> tuple[str, str]:
        """Say in a word whether all is decided."""
        return "Decided", f"{'yes' if self.is_made else 'no'}, {self._after}"

    @property
    def _after(self) -> str:
        return f"after {self.seeds} of at most {self.most} seeds"

    def to_dict(self) -> dict[str, object]:
        """Return the decision as plain data."""
        return asdict(self) | {"decided": self.is_made}

    @property
    def sentence(self) -> str:
        """Say whether all is decided, and what that saved."""
        after = self._after
        if self.impossible:
            return f"Stopped {after}: the networks cannot be ranked, which more seeds do not change."
        if self.undecided:
            return f"Not decided {after}; open: {', '.join(self.undecided)}."
        saved = self.most - self.seeds
        if not saved:
            return f"Decided {after}, the last look."
        return f"Decided {after}: a fixed {self.most} would have taken {counted(saved, 'more seed')} of each."


def judge(
    ranking: Ranking | None,
    convergence: Sequence[Convergence],
    look: InterimLook | None,
    not_comparable: Sequence[str],
) -> Finding[Decision | None]:
    """Tell what is open in a ranking, if seeds are added; nothing where their number was fixed.

    Args:
        ranking: of the networks that have a score.
        convergence: of those that did not always train; one that never did has no score to rank it by.
        look: at which this is.
        not_comparable: why networks cannot be ranked.
    """
    if look is None:
        return Finding(None, ())
    without_score = [each for each in convergence if each.diverged == each.share.runs]
    decision = Decision(
        seeds=look.seeds,
        most=look.most,
        undecided=(
            *(rival.network for rival in (ranking.rivals if ranking else ()) if not rival.is_settled),
            *(each.network for each in without_score if not exceeds_noise(each.p)),
        ),
        impossible=bool(not_comparable) or (ranking is None and not without_score),
    )
    return Finding(decision, (decision.sentence,), decision.is_made, headline=decision.headline)
