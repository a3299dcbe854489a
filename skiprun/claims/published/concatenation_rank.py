"""Concatenation and rank: what is put side by side keeps more dimensions than what is added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import geometric_mean

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, above, ratio
from skiprun.claims.untrained import untrained
from skiprun.registry import CLAIMS
from skiprun.results.study_documents import Row

ADDED, JOINED = "x + f(x)", "[x, f(x)]"


def measurement(signal: str) -> Measurement:
    """Return what is done, for a way to bring signal and branch together."""
    return untrained("residual_stream", {"network": "resnet56"}, batch_size=128, signal=signal)


@CLAIMS.register(
    "concatenation_rank",
    paper="Kim et al. 2024",
    published="concatenation adds up the ranks of signal and branch, addition does not",
    budget="init",
    measurement=measurement(JOINED),
    control=measurement(ADDED),
    control_is="addition in the place of concatenation",
)
def quantities(found: Measured) -> list[Quantity]:
    """Concatenation keeps more of the rank of a signal and its branch than addition."""
    joined, added = (mean_rank(rows) for rows in (found.rows("network"), found.rows("network", signal=ADDED)))
    return [ratio("effective rank over that of x + f(x), mean of 27 sites", joined, added, above(1.2))]


def mean_rank(rows: Mapping[int, Sequence[Row]]) -> dict[int, float]:
    """Return the geometric mean over sites, by seed."""
    return {seed: geometric_mean(row["rank"] for row in each) for seed, each in rows.items()}
