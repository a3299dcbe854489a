"""The verdict of a comparison: what was found of each claim, as sentences and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from skiprun.claims import (
    boundary_loss,
    convergence,
    cure,
    decision,
    degradation,
    ranking,
    skip_benefit,
    spread,
)
from skiprun.claims.boundary_loss import BoundaryLoss
from skiprun.claims.convergence import Convergence
from skiprun.claims.cure import Cure
from skiprun.claims.decision import Decision
from skiprun.claims.evidence import DETECTABLE, ONE_SEED
from skiprun.claims.finding import Finding
from skiprun.claims.plain_pair import PlainPair
from skiprun.claims.ranking import Ranking
from skiprun.claims.skip_benefit import SkipBenefit
from skiprun.claims.spread import NetworkSpread
from skiprun.results.groups import Group
from skiprun.results.records import RunRecord
from skiprun.results.sequential import InterimLook


@dataclass(frozen=True)
class Verdict:
    """What was found of each claim, in the order in which it is told."""

    degradation: Finding[tuple[PlainPair, ...]]
    cure: Finding[tuple[Cure, ...]]
    skip_benefit: Finding[tuple[SkipBenefit, ...]]
    boundary_loss: Finding[tuple[BoundaryLoss, ...]]
    ranking: Finding[Ranking | None]
    spread: Finding[tuple[NetworkSpread, ...]]
    convergence: Finding[tuple[Convergence, ...]]
    decision: Finding[Decision | None]

    @property
    def findings(self) -> list[Finding]:
        """What was found of each claim, in the order of the fields."""
        return list(vars(self).values())

    @property
    def tested(self) -> bool:
        """Whether the seeds allow any test; if not, nothing of this is more than what one seed shows."""
        return any(test.tested for finding in self.findings for test in finding.tests)

    @property
    def sentences(self) -> list[str]:
        """All of it in plain words; what detectable means and what one seed cannot show is said once."""
        alone = any(test.n == 1 for finding in self.findings for test in finding.tests)
        said = [sentence for finding in self.findings for sentence in finding.sentences]
        said += [DETECTABLE] * any("detectable" in sentence for sentence in said)
        return said + [f"{ONE_SEED}; --seeds 3 tests it."] * alone

    @property
    def headlines(self) -> list[tuple[str, str]]:
        """The questions that this comparison can answer in a word."""
        return [finding.headline for finding in self.findings if finding.headline]

    def to_dict(self) -> dict[str, object]:
        """Return the verdict as plain data."""
        best, decision = self.ranking.evidence, self.decision.evidence
        return {
            "degradation": self.degradation.answer,
            "cured": self.cure.answer,
            "tested": self.tested,
            "pairs": [asdict(pair) for pair in self.degradation.evidence],
            "cures": [asdict(each) for each in self.cure.evidence],
            "worth": [asdict(benefit) for benefit in self.skip_benefit.evidence],
            "places": [asdict(loss) for loss in self.boundary_loss.evidence],
            "not_always_trained": [asdict(each) for each in self.convergence.evidence],
            "ranking": asdict(best) if best else None,
            "spread": [asdict(each) for each in self.spread.evidence],
            "decision": decision.to_dict() if decision else None,
            "sentences": self.sentences,
        }


def judge(
    groups: Sequence[Group],
    unfinished: Sequence[RunRecord],
    not_comparable: Sequence[str],
    same_within: float | None = None,
    look: InterimLook | None = None,
) -> Verdict:
    """Judge degradation and cure, the benefit of skips in segmentation, and the ranking if there can be one.

    Args:
        groups: of finished runs.
        unfinished: what is not among them.
        not_comparable: why groups cannot be ranked; empty where they can.
        same_within: margin of the test score within which two networks count as equivalent, if one is asked.
        look: at which this is, where seeds are added until all is decided; None: their number was fixed.
    """
    most = look.most if look else None
    classifying = [group for group in groups if group.task != "segmentation"]
    degraded = degradation.judge(classifying, unfinished, most)
    ranked = ranking.judge([] if not_comparable else groups, same_within, most)
    trained = convergence.judge(groups, unfinished, look.planned if look else 1)
    return Verdict(
        degradation=degraded,
        cure=cure.judge(classifying, degraded.evidence, most),
        skip_benefit=skip_benefit.judge(groups, most),
        boundary_loss=boundary_loss.judge(groups, most),
        ranking=ranked,
        spread=spread.judge(groups),
        convergence=trained,
        decision=decision.judge(ranked.evidence, trained.evidence, look, not_comparable),
    )
