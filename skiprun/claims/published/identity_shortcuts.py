"""Residual networks are no larger than plain ones."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS

# Millions of parameters by depth, as they are printed; half a unit of the last digit is their tolerance.
PUBLISHED = {20: (0.27, 0.005), 56: (0.85, 0.005), 110: (1.7, 0.05), 1202: (19.4, 0.05)}


def measurement(shortcut: str) -> Measurement:
    """Return what is done, for a kind of shortcut: A is the identity, padded with zeros."""
    residual = [f"resnet{depth}:shortcut={shortcut}" for depth in PUBLISHED]
    return Measurement(study="parameters", options={"networks": (*residual, "plain110")})


@CLAIMS.register(
    "identity_shortcuts",
    paper="He et al. 2015, section 3.2 and table 6",
    published="no parameters; 0.27M with 20 layers, 0.85M with 56, 1.7M with 110, 19.4M with 1202",
    budget="toy",
    measurement=measurement("A"),
    control=measurement("C"),
    control_is="shortcuts that are convolutions (option C)",
)
def quantities(found: Measured) -> list[Quantity]:
    """Identity shortcuts add no parameters: residual networks have as many as plain ones."""
    counts = {
        depth: {seed: rows[place]["parameters"] for seed, rows in found.rows().items()}
        for place, depth in enumerate([*PUBLISHED, "plain110"])
    }
    added = {seed: counts[110][seed] - plain for seed, plain in counts["plain110"].items()}
    return [
        Quantity("parameters of the shortcuts, 110 layers", near(0, 0.5), added, "exact"),
        *(
            Quantity(
                f"millions of parameters, {depth} layers",
                near(*millions),
                {seed: count / 1e6 for seed, count in counts[depth].items()},
                "exact",
            )
            for depth, millions in PUBLISHED.items()
        ),
    ]
