"""From the measurement of a claim to the runs that it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.config import Role, RunConfig, role_of
from skiprun.config.templates import PROTOCOLS
from skiprun.config_file import build_config, key_of
from skiprun.errors import InputError
from skiprun.experiment.named import config_for, label_of
from skiprun.experiment.planned import Planned
from skiprun.registry import DATASETS
from skiprun.run import Run
from skiprun.system.yaml_file import read_yaml


@dataclass(frozen=True)
class Plan:
    """Where and how the networks of claims are trained.

    Attributes:
        runs: the folder of all runs.
        where: `section.key=value` that say where the data is and how to compute, see `refuse_protocol`.
    """

    runs: Path
    where: Sequence[str] = ()

    def config(self, asked: Measurement, network: TrainedNetwork, seed: int) -> RunConfig:
        """Return the config of a network; a run that is not just its protocol's says so in its name."""
        protocol, changes = PROTOCOLS / f"{asked.protocol}.yaml", [*asked.overrides, *network.overrides]
        named = [str(read_yaml(protocol)[0].get("name", protocol.stem)), *map(label_of, changes)]
        if network.start:
            start = self.config(asked, network.start, seed)
            named.append(f"from-{start.name}")
            changes.append(f"model.weights={json.dumps(str(Run.of(self.runs, start).path.absolute()))}")
        config = config_for(network.name, protocol, changes, "-".join(named)).replace(seed=seed)
        if config.data.folds:
            raise InputError(
                f"{config.name}: data.folds={config.data.folds}; a claim's intervals take runs for "
                "independent, and the training sets of folds overlap. Leave it out: seeds do."
            )
        return build_config(config.to_dict(), self._where(config)) if self.where else config

    def trainings(self, asked: Measurement, network: TrainedNetwork) -> Iterator[Planned]:
        """Yield the runs of a network, one a seed."""
        for seed in range(asked.seeds):
            config = self.config(asked, network, seed)
            yield Planned(network.name, f"{config.name} seed {seed}", Run.of(self.runs, config), config)

    def _where(self, config: RunConfig) -> list[str]:
        """Return what concerns a config: nothing says where data is that the package brings."""
        info = DATASETS[config.data.name].info
        is_brought = not (info.download or info.resizes)
        return [text for text in self.where if not (is_brought and text.startswith("data."))]


def refuse_protocol(where: Sequence[str]) -> None:
    """Raise InputError for what says more than where data is and how to compute: the rest is the claim's."""
    for text in where:
        if role_of(key_of(text)) is not Role.EXECUTION:
            raise InputError(
                f"--set {text}: the protocol of a claim is fixed; only where data is and how to compute may "
                "be set, such as data.root, data.download and compute.device."
            )
