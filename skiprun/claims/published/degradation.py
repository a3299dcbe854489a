"""Degradation: with more layers a plain network trains worse, which is not overfitting."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, above, ratio
from skiprun.registry import CLAIMS
from skiprun.results.summary_keys import LOSS


def measurement(deep: str) -> Measurement:
    """Return what is done, for a network to compare with plain20."""
    networks = {"shallow": TrainedNetwork("plain20"), "deep": TrainedNetwork(deep)}
    return Measurement(networks=networks, train=True, seeds=5)


@CLAIMS.register(
    "degradation",
    paper="He et al. 2015, figure 6 and table 2",
    published="plain-56 trains worse than plain-20; on ImageNet plain-34 errs 28.54 %, plain-18 27.94 %",
    budget="small",
    measurement=measurement("plain56"),
    control=measurement("plain20"),
    control_is="20 layers beside 20 layers",
)
def quantities(found: Measured) -> list[Quantity]:
    """A plain network of 56 layers ends at a higher training loss than one of 20."""
    deep, shallow = (found.score(LOSS, part) for part in ("deep", "shallow"))
    return [ratio("training loss of 56 layers over that of 20", deep, shallow, above(5))]
