"""Residual networks gain from depth where plain ones lose."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS

WARMUP = "schedule.warmup=400"  # steps: with the full rate from the start, 110 layers take epochs to begin
ERRORS = {20: 8.75, 56: 6.97, 110: 6.61}


def measurement(kind: str) -> Measurement:
    """Return what is done, for a kind of network."""
    networks = {f"{depth} layers": TrainedNetwork(f"{kind}{depth}") for depth in (20, 56)}
    networks["110 layers"] = TrainedNetwork(f"{kind}110", overrides=(WARMUP,))
    return Measurement(networks=networks, train=True, protocol="degradation_cifar", seeds=5)


@CLAIMS.register(
    "residual_depth_cifar",
    paper="He et al. 2015, table 6",
    published="test error 8.75 % with 20 layers, 6.97 with 56, 6.61 +- .16 with 110 (5 runs, best 6.43)",
    budget="full",
    measurement=measurement("resnet"),
    control=measurement("plain"),
    control_is="the same layers without skip connections",
)
def quantities(found: Measured) -> list[Quantity]:
    """Residual networks of 20, 56 and 110 layers err on 8.8, 7.0 and 6.6 % of CIFAR-10: depth is a gain."""
    return [
        Quantity(
            f"test error, {depth} layers (%)", near(error, 0.6), found.score("test.error", f"{depth} layers")
        )
        for depth, error in ERRORS.items()
    ]
