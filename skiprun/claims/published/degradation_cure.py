"""The cure of degradation: with skip connections a deeper network trains no worse than a shallower one."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, above, below, ratio
from skiprun.registry import CLAIMS
from skiprun.results.summary_keys import LOSS


def measurement(deep: str) -> Measurement:
    """Return what is done, for a network of 56 layers."""
    networks = {
        "shallow": TrainedNetwork("resnet20"),
        "plain": TrainedNetwork("plain56"),
        "deep": TrainedNetwork(deep),
    }
    return Measurement(networks=networks, train=True, seeds=5)


@CLAIMS.register(
    "degradation_cure",
    paper="He et al. 2015, figure 6 and table 6",
    published="ResNet-20 errs 8.75 %, ResNet-56 6.97 % (CIFAR-10), and their training errors have that order",
    budget="small",
    measurement=measurement("resnet56"),
    control=measurement("plain56"),
    control_is="56 layers without skip connections",
)
def quantities(found: Measured) -> list[Quantity]:
    """With skip connections 56 layers end at no higher a training loss than 20."""
    shallow, plain, deep = (found.score(LOSS, part) for part in ("shallow", "plain", "deep"))
    return [
        ratio("training loss of 56 layers over that of 20", deep, shallow, below(1)),
        ratio("training loss of plain56 over that of 56 layers", plain, deep, above(5)),
    ]
