"""Branch downscaling: batch norm makes branches small beside the signal, the smaller the deeper they are."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.claims.untrained import untrained
from skiprun.registry import CLAIMS
from skiprun.results.study_documents import Row

BLOCKS = 18  # of each of three stages


def measurement(norm: str) -> Measurement:
    """Return what is done, for a normalization of the branches."""
    return untrained("residual_stream", {"network": f"preact110:norm={norm}"}, at="site")


@CLAIMS.register(
    "branch_downscaling",
    paper="De and Smith 2020",
    published="the branch is smaller than the skip by a factor of the order of the root of the depth",
    budget="init",
    measurement=measurement("batch"),
    control=measurement("none"),
    control_is="no normalization",
)
def quantities(found: Measured) -> list[Quantity]:
    """Batch norm shrinks a residual branch, beside the signal, by the root of the depth it stands at."""
    # As all branches of a stage are equally large, the l-th has 1 / (l + 1) of the variance behind it.
    return [
        Quantity(
            f"share of the branch, block {block} of a stage",
            near(1 / (block + 1), 0.25 / (block + 1)),
            {seed: share_at(rows, block) for seed, rows in found.rows("network").items()},
        )
        for block in (BLOCKS // 2, BLOCKS)
    ]


def share_at(rows: Sequence[Row], block: int) -> float:
    """Return the share of the branch at one block of each stage, in the mean over stages."""
    return fmean(row["branch_share"] for row in rows[block - 1 :: BLOCKS])
