"""From the measurement of a claim to the runs that it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from skiprun.claims.measurement import Measurement, Network
from skiprun.config import RunConfig
from skiprun.config_file import Override
from skiprun.experiment.named import PROTOCOLS, config_for, label_of
from skiprun.experiment.planned import Planned
from skiprun.registry import DATASETS
from skiprun.run import Run
from skiprun.system.yaml_file import read_yaml


@dataclass(frozen=True)
class Plan:
    """Where and how the networks of claims are trained.

    Attributes:
        runs: the folder of all runs.
        root: where data that the package does not bring is; None: where the protocol says.
        device: auto, cpu or cuda; None: what the protocol says.
    """

    runs: Path
    root: Path | None = None
    device: str | None = None

    def config(self, asked: Measurement, network: Network, seed: int) -> RunConfig:
        """Return the config of a network; a run that is not just its protocol's says so in its name."""
        protocol, changes = PROTOCOLS / f"{asked.protocol}.yaml", [*asked.overrides, *network.overrides]
        named = [str(read_yaml(protocol)[0].get("name", protocol.stem)), *map(label_of, changes)]
        if network.start:
            start = self.config(asked, network.start, seed)
            named.append(f"from-{start.name}")
            changes.append(f"model.weights={json.dumps(str(Run.of(self.runs, start).path.absolute()))}")
        computed = [Override("--device", f"compute.device={self.device}")] if self.device else []
        config = config_for(network.name, protocol, [*changes, *computed], "-".join(named))
        config = config.replace(seed=seed)
        return self._with_root(config) if self.root else config

    def trainings(self, asked: Measurement, network: Network) -> Iterator[Planned]:
        """Yield the runs of a network, one a seed."""
        for seed in range(asked.seeds):
            config = self.config(asked, network, seed)
            yield Planned(network.name, f"{config.name} seed {seed}", Run.of(self.runs, config), config)

    def _with_root(self, config: RunConfig) -> RunConfig:
        """Return a config with the place of its data, if that is files of the user's."""
        info = DATASETS[config.data.name].info
        given = {"root": str(self.root)} if info.download or info.resizes else {}
        return config.replace(data=config.to_dict()["data"] | given)
