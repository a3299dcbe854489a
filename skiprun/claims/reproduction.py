"""A published claim, done again: the verdict, the numbers behind it, and what its negative control gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity, Verdict, decide
from skiprun.claims.quantity_sentence import quantity_sentence
from skiprun.claims.reproduction_document import FoundOutcome, FoundQuantity, ReproducedClaim
from skiprun.errors import first_line
from skiprun.infos import Budget
from skiprun.registry import CLAIMS


@dataclass(frozen=True)
class Outcome:
    """What one measurement says of a claim.

    Attributes:
        verdict: of all quantities.
        quantities: with their values by seed.
        seeds: how many there should be.
        lost: runs that did not come to their end, each in a line.
    """

    verdict: Verdict
    quantities: tuple[Quantity, ...]
    seeds: int
    lost: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """Say each number, its interval, and where it was expected."""
        return [*(quantity_sentence(each, self.seeds) for each in self.quantities), *self.lost]

    def to_dict(self) -> FoundOutcome:
        """Return plain data."""
        quantities: list[FoundQuantity] = [
            {
                "name": each.name,
                "value": each.value,
                "interval": list(each.interval()),
                "expected": asdict(each.expected),
                "expected_in_words": each.expected.words,
                "verdict": each.verdict(self.seeds),
                "detectable": each.detectable,
                "values": {str(seed): value for seed, value in each.values.items()},
            }
            for each in self.quantities
        ]
        return {
            "verdict": self.verdict,
            "seeds": self.seeds,
            "quantities": quantities,
            "sentences": self.sentences,
            "lost": list(self.lost),
        }


@dataclass(frozen=True)
class Reproduction:
    """A claim with what was found.

    Attributes:
        claim: its name.
        statement, paper, published, budget, control_is, foreseen: what the registry says of it.
        outcome: of the claim's own measurement.
        control: of its negative control, which must fail.
    """

    claim: str
    statement: str
    paper: str
    published: str
    budget: Budget
    control_is: str
    foreseen: Verdict
    outcome: Outcome
    control: Outcome

    @property
    def broken(self) -> bool:
        """Whether the control passes too, so that the claim says nothing."""
        return self.control.verdict == "PASS"

    def to_dict(self) -> ReproducedClaim:
        """Return plain data."""
        return {
            "claim": self.claim,
            "statement": self.statement,
            "paper": self.paper,
            "published": self.published,
            "budget": self.budget,
            "control_is": self.control_is,
            "foreseen": self.foreseen,
            "broken": self.broken,
            "outcome": self.outcome.to_dict(),
            "control": self.control.to_dict(),
        }


def judge(name: str, found: Measured, control: Measured) -> Reproduction:
    """Judge a claim of the registry by what its measurement and its control found."""
    entry = CLAIMS[name]
    outcomes = [_outcome(each, entry.target) for each in (found, control)]
    info = entry.info
    return Reproduction(
        claim=name,
        statement=entry.summary,
        paper=info.paper or "",
        published=info.published,
        budget=info.budget,
        control_is=info.control_is,
        foreseen=info.foreseen,
        outcome=outcomes[0],
        control=outcomes[1],
    )


def _outcome(found: Measured, quantities_of: Callable[[Measured], Sequence[Quantity]]) -> Outcome:
    """Judge what was measured; numbers that a claim cannot be computed from leave it open, and it alone."""
    lost = [run.line for runs in found.runs.values() for run in runs if not run.finished]
    seeds = found.measurement.seeds
    try:
        quantities = tuple(quantities_of(found))
    except (ArithmeticError, ValueError) as error:
        why = f"its numbers cannot be computed: {first_line(str(error))}"
        return Outcome("INCONCLUSIVE", (), seeds, (*lost, why))
    return Outcome(decide(quantities, seeds), quantities, seeds, tuple(lost))
