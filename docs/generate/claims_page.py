"""`claims.md`: every published claim of the registry, with what it measures and what its control lacks."""

from __future__ import annotations

from docs.generate.markdown import fill, text
from docs.generate.papers import linked
from skiprun.infos import BUDGETS
from skiprun.registry import CLAIMS


def page() -> str:
    """Return the page of all claims, by what they cost."""
    claims = {
        budget: [
            {
                "name": claim.name,
                "statement": text(claim.summary),
                "paper": linked(claim.info.paper or ""),
                "published": text(claim.info.published),
                "control": text(claim.info.control_is),
                "foreseen": claim.info.foreseen,
                "study": claim.info.measurement.study,
                "networks": [each.name for each in claim.info.measurement.networks.values()],
                "seeds": claim.info.measurement.seeds,
            }
            for claim in sorted(CLAIMS, key=lambda claim: claim.name)
            if claim.info.budget == budget
        ]
        for budget in BUDGETS
    }
    return fill("claims.md", {"claims": claims, "count": len(CLAIMS.names())})
