"""Most paths through a residual network pass about half of its blocks."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, above, below, near
from skiprun.registry import CLAIMS


def measurement(connection: str) -> Measurement:
    """Return what is done, for a connection around the blocks."""
    return Measurement(study="path_lengths", options={"blocks": 54, "connection": connection})


@CLAIMS.register(
    "binomial_path_lengths",
    paper="Veit et al. 2016, section 5",
    published="more than 95 % of the paths through 54 blocks pass 19 to 35 of them",
    budget="toy",
    measurement=measurement("add"),
    control=measurement("none"),
    control_is="the same blocks without skip connections",
)
def quantities(found: Measured) -> list[Quantity]:
    """The paths through a residual network have binomial lengths, half the number of blocks in the mean."""
    middle = {
        seed: sum(row["share"] for row in rows if 19 <= row["length"] <= 35)
        for seed, rows in found.rows().items()
    }
    return [
        Quantity("mean length, of 54 blocks", near(27, 0.1), found.fact("mean_length"), "exact"),
        Quantity("share of paths of 19 to 35 blocks", above(0.95), middle, "exact"),
        Quantity("distance from binomial", below(1e-9), found.fact("distance_from_binomial"), "exact"),
    ]
