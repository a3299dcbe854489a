"""Inputs of studies, prepared on demand: networks, images, scores, losses (see skiprun.studies.base)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cached_property

from torch import Tensor, nn

from skiprun.config_file import Override, build_config
from skiprun.data import Loaders
from skiprun.errors import InputError
from skiprun.experiment.data_place import recorded
from skiprun.experiment.finished import choose_split
from skiprun.experiment.known_data import KnownData
from skiprun.experiment.study_runner.images import NOISE_CLASSES, Batch, Images, Scoring
from skiprun.experiment.study_runner.opened_target import open_on_data, open_on_noise
from skiprun.experiment.study_runner.retrain import State, as_trained, weight_trajectory
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study_target import StudyTarget
from skiprun.experiment.study_runner.target_networks import TargetNetworks
from skiprun.system.progress import ProgressCallback

log = logging.getLogger(__name__)

LARGE = 64  # pixels
# Number and size of batches, for small images and for large ones: with 8 images of 224x224, a ratio of
# gradients at initialization is within 2 % of that with 16, where seeds differ by a factor.
MANY_BATCHES, FEW_BATCHES = (8, 128), (1, 8)


class StudyInputs:
    """What a study may ask for of one target, by the words of its vocabulary."""

    def __init__(
        self, target: StudyTarget, selection: SampleSelection, loading: ProgressCallback | None = None
    ) -> None:
        self.target, self.loading = target, loading
        self.selection, self.split = selection, selection.split or choose_split(target.runs, None)
        # Whatever a run was trained in: small differences are what studies look at.
        device = [Override("--device", f"compute.device={selection.device}")] if selection.device else []
        chosen = ["compute.precision=fp32", *device]
        self.configs = [
            build_config(config.to_dict(), chosen, source="--device") for config in target.configs
        ]
        self.data_is_own, self.networks = True, TargetNetworks(target, selection.weights)
        self._known = self._accept if target.runs else None  # what looks at the data
        if target.shape is None:
            opened = open_on_data(self.configs[0], self.networks, loading, self._known)
        else:
            opened = open_on_noise(self.configs[0], self.networks, target.shape)
        self.opened, self.source = opened, opened.source
        self.task, self.device = opened.task, opened.device

    def _accept(self, loaders: Loaders) -> Loaders:
        """Return the data as the first run sees it, if it is what each of the runs was trained on."""
        seen = [KnownData(run, self.target.other_data)(loaders) for run in self.target.runs]
        known = zip(self.target.runs, seen, strict=True)
        self.data_is_own = all(
            recorded(run).get("fingerprint", d.fingerprint) == d.fingerprint for run, d in known
        )
        return seen[0]

    @property
    def models(self) -> Iterator[nn.Module]:
        """The networks, one a seed; told as loading, one after the other."""
        for number, config in enumerate(self.configs):
            if self.loading and len(self.configs) > 1:
                self.loading(number + 1, len(self.configs), f"{self.target.label}: networks")
            if number == 0:
                yield self.model
            else:
                yield self.networks.ready(self.networks.draw(config, *self._sizes), number, self.device)

    @property
    def _sizes(self) -> tuple[int, int]:
        """Number of classes and of channels."""
        if isinstance(self.source, Images):
            return self.source.loaders.num_classes, self.source.loaders.image_shape[0]
        return NOISE_CLASSES, self.source.shape[0]

    @cached_property
    def model(self) -> nn.Module:
        """The network of the first seed."""
        return self.networks.ready(self.opened.model, 0, self.device)

    @cached_property
    def evaluate(self) -> Scoring:
        """What scores a network, on the same images every time."""
        return Scoring(self.task, self.source.scored(self.split, self.selection.images))

    @property
    def images(self) -> int:
        """How many images are scored."""
        return sum(len(targets) for _, targets in self.evaluate.batches)

    @property
    def batches(self) -> list[Batch]:
        """Images and targets to look at."""
        if self.selection.batches == 0:
            return self.source.scored(self.split, self.selection.images)
        large = self.target.shape is not None and self.target.shape[1] > LARGE
        count, size = FEW_BATCHES if large else MANY_BATCHES
        return self.source.batches(
            self.split, self.selection.batches or count, self.selection.batch_size or size
        )

    @property
    def batch(self) -> Batch:
        """The first of them."""
        return self.batches[0]

    @property
    def train_batches(self) -> list[Batch]:
        """The whole training split, or as many images of it as are scored."""
        return self.source.scored("train", self.selection.images)

    @property
    def states(self) -> list[State]:
        """Weights along the run, oldest first."""
        if not self.data_is_own:
            raise InputError(
                f"{self.target.label} cannot be trained again: this is not the data it was trained on."
            )
        log.info(
            f"{self.target.label}: training again, which gives the same bits, for the weights on the way."
        )
        config = self.target.configs[0]
        if self.target.runs:
            config = as_trained(self.target.runs[0]).replace(data=config.to_dict()["data"])
        return weight_trajectory(config, self._known)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        return self.task.loss(output, target)

    def must_share_data(self, other: StudyInputs) -> None:
        """Refuse another network that was not trained on the same images."""
        mine, its = (
            each.source.loaders if isinstance(each.source, Images) else None for each in (self, other)
        )
        if mine and its and mine.fingerprint != its.fingerprint:
            have = " and ".join(
                f"{each.target.label} ({each.configs[0].data.name})" for each in (self, other)
            )
            raise InputError(
                f"{have} were not trained on the same data and split; they see no image in common."
            )
