"""The controlled experiments of the connection cards: networks in which the connection alone differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config.templates import DIGITS
from skiprun.experiment.named import config_for
from skiprun.models import Cost, build_from_config, cost
from skiprun.models.complexity.meta import without_content
from skiprun.models.surgery import connections_that_fit
from skiprun.registry import CONNECTIONS, DATASETS, MODELS

SEEDS = 3
ALWAYS = ("none", "add")  # what every connection is compared with
SKIPINIT = "rezero, norm: none"


@dataclass(frozen=True)
class Trial:
    """One network on one dataset, with each of some connections.

    Attributes:
        data: the dataset.
        network: the architecture.
        metric: what is scored on its test images.
        shown: the connections whose cards show it.
        arms: what networks are called on the command line, by the name that the cards have for them.
        protocol: YAML file of all but the network; empty: that of `skiprun compare`.
    """

    data: str
    network: str
    metric: str
    shown: tuple[str, ...]
    arms: dict[str, str]
    protocol: str = ""

    def command(self, arms: Sequence[str]) -> str:
        """Return the command that trains and compares some of the arms."""
        names = " ".join(self.arms[arm] for arm in arms)
        return f"skiprun compare {names}{self.protocol and f' --config {self.protocol}'} --seeds {SEEDS}"

    @property
    def protocol_file(self) -> Path:
        """The YAML file of the protocol."""
        return Path(self.protocol) if self.protocol else DIGITS

    def config(self, arm: str, *overrides: str) -> RunConfig:
        """Return the config of an arm."""
        return config_for(self.arms[arm], self.protocol_file, overrides)

    def cost(self, arm: str) -> Cost:
        """Count parameters and multiply-adds of an arm for one image of the dataset."""
        shape = [int(size) for size in str(DATASETS[self.data].info.shape).split("x")]
        with without_content():
            model = build_from_config(self.config(arm).model, in_channels=shape[0])
        return cost(model, shape)


def trials() -> list[Trial]:
    """Return two: digits for what joins equal channels; cells, for a U-Net's long skips, for the others."""
    joins = tuple(connections_that_fit(MODELS["resnet56"]))
    others = tuple(sorted({connection.name for connection in CONNECTIONS} - {*joins}))
    digits = {**_arms("resnet56", joins), SKIPINIT: "resnet56:norm=none,connection=rezero"}
    return [
        Trial("digits", "resnet56", "error", joins, digits),
        Trial("cells", "unet", "iou", others, _arms("unet", others), "configs/unet_cells.yaml"),
    ]


def _arms(network: str, connections: Sequence[str]) -> dict[str, str]:
    """Return names on the command line by connection, those that all are compared with first."""
    ordered = dict.fromkeys([*ALWAYS, *connections])
    return {name: f"{network}:connection={name}" for name in ordered}
