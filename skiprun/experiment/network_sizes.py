"""How large the networks of configs are, for the images of their data; nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from skiprun.config import ModelConfig, RunConfig
from skiprun.data import load_data
from skiprun.errors import InputError
from skiprun.experiment.checks import building, check_config, check_task, located
from skiprun.models import build_from_config, cost
from skiprun.models.complexity.meta import without_content
from skiprun.results.records import read
from skiprun.results.size_match import SizeKind
from skiprun.run import Run
from skiprun.system.progress import ProgressCallback

Images = tuple[str, int, tuple[int, ...]]  # task, number of classes, shape
SUMMARY_KEYS: dict[SizeKind, str] = {"params": "model.parameters", "macs": "model.macs"}


class NetworkSizes:
    """Sizes of networks, in parameters or multiply-adds; each dataset is loaded once.

    Attributes:
        kind: what is counted.
        loading: told of (done, total, what) while data is prepared.
    """

    def __init__(self, kind: SizeKind, loading: ProgressCallback | None = None) -> None:
        self.kind, self.loading = kind, loading
        self._images: dict[str, Images] = {}

    def of_config(self, config: RunConfig) -> int:
        """Return the size of an experiment's network.

        Raises:
            ConfigError, DataNotFound: as `prepare`.
        """
        check_config(config, new=True)
        check_task(config, self.images_of(config)[0])
        with building(config):
            return self.of_model(config, config.model)

    def of_model(self, config: RunConfig, model: ModelConfig) -> int:
        """Return the size of a network on the data of a config."""
        _, classes, shape = self.images_of(config)
        with without_content():
            network = build_from_config(model, classes, shape[0])
        if self.kind == "params":
            return sum(parameter.numel() for parameter in network.parameters())
        return cost(network, shape).macs

    def images_of(self, config: RunConfig) -> Images:
        """Return what the images of a config are."""
        key = config.data.model_dump_json()
        if key not in self._images:
            with located(config, "data"):
                loaders = load_data(
                    config.data,
                    torch.device("cpu"),
                    self.loading,
                    split_seed=config.split_seed,
                    fold=config.fold,
                )
            self._images[key] = loaders.task, loaders.num_classes, tuple(loaders.image_shape)
        return self._images[key]

    def of_runs(self, runs: Sequence[Run]) -> int:
        """Return the size of the network of which some runs are seeds.

        Raises:
            InputError: none of them is finished, which is when the size is written down.
        """
        for record in map(read, runs):
            if record.finished:
                return int(record.number(SUMMARY_KEYS[self.kind]))
        place = runs[0].path
        raise InputError(
            f"{place} is not finished, so its size is not known; `skiprun resume {place}` finishes it."
        )
