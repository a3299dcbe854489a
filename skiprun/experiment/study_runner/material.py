"""Inputs of studies, prepared on demand: networks, images, scores, losses (see skiprun.studies.base)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor, nn

from skiprun.config import RunConfig
from skiprun.config_file import Override, build_config
from skiprun.data import Loaders
from skiprun.errors import CheckpointError, InputError
from skiprun.experiment.checks import located
from skiprun.experiment.data_place import recorded
from skiprun.experiment.finished import choose_split
from skiprun.experiment.known_data import KnownData
from skiprun.experiment.parts import prepare
from skiprun.experiment.study_runner.images import NOISE_CLASSES, Batch, Images, Noise, Scoring
from skiprun.experiment.study_runner.retrain import State, as_trained, weight_trajectory
from skiprun.experiment.study_runner.subjects import StudyTarget
from skiprun.models import build_from_config, cost
from skiprun.models.weights.pretrained import load_from_config
from skiprun.registry import MODELS, TASKS
from skiprun.system.progress import ProgressCallback
from skiprun.training.checkpoint import Checkpoints, load
from skiprun.training.device import choose_device, choose_threads, configure_process
from skiprun.training.randomness import derive

log = logging.getLogger(__name__)

LARGE = 64  # pixels
# Number and size of batches, for small images and for large ones: with 8 images of 224x224, a ratio of gradients at
# initialization is within 2 % of that with 16, where seeds differ by a factor.
MANY_BATCHES, FEW_BATCHES = (8, 128), (1, 8)


@dataclass(frozen=True)
class SampleSelection:
    """How much a study looks at.

    Attributes:
        split: train, val or test; None: test, but val of a run that is not finished.
        images: number to score, chosen by chance with seed 0; None: all.
        batches, batch_size: what is looked at batch by batch, chosen likewise; None: what takes about a minute, 0: what
            is scored.
        weights: of a run: best, last, or those before its first step.
        device: auto, cpu or cuda; None: what the config says.
    """

    split: str | None = None
    images: int | None = None
    batches: int | None = None
    batch_size: int | None = None
    weights: Literal["best", "last", "initial"] = "best"
    device: str | None = None


class StudyInputs:
    """What a study may ask for of one subject, by the words of its vocabulary."""

    def __init__(
        self,
        subject: StudyTarget,
        look: SampleSelection,
        loading: ProgressCallback | None = None,
    ) -> None:
        self.subject, self.loading = subject, loading
        self.look, self.split = look, look.split or choose_split(subject.runs, None)
        # Whatever a run was trained in: small differences are what studies look at.
        chosen = [
            "compute.precision=fp32",
            *([Override("--device", f"compute.device={look.device}")] if look.device else []),
        ]
        self.configs = [build_config(config.to_dict(), chosen, source="--device") for config in subject.configs]
        self.data_is_own = True
        self.first, self.source = self._open(self.configs[0], loading)

    def _open(self, config: RunConfig, loading: ProgressCallback | None) -> tuple[nn.Module, Images | Noise]:
        """Return the first network and where the images come from; only noise needs no dataset."""
        if self.subject.shape is None:
            parts = prepare(config, loading, given_weights=not self._trained, accept=self._known)
            self.task, self.device = parts.task, parts.setup.device
            return parts.model, Images(parts.loaders, parts.evaluation_batch)
        if MODELS[config.model.name].info.task != "classification":
            raise InputError(f"'{config.model.name}' learns masks; name a dataset for it, as --set data.name=cells.")
        setup = choose_device(config)
        configure_process(setup)
        self.task, self.device = TASKS["classification"].target(), setup.device
        model = self._draw(config, NOISE_CLASSES, self.subject.shape[0])
        if self.device.type == "cpu":
            threads = choose_threads(config, cost(model, self.subject.shape).macs)
            configure_process(replace(setup, threads=threads))
        return model, Noise(self.subject.shape, self.device)

    def _accept(self, loaders: Loaders) -> Loaders:
        """Return the data as the first run sees it, if it is what each of the runs was trained on."""
        seen = [KnownData(run, self.subject.other_data)(loaders) for run in self.subject.runs]
        known = zip(self.subject.runs, seen, strict=True)
        self.data_is_own = all(
            recorded(run).get("fingerprint", data.fingerprint) == data.fingerprint for run, data in known
        )
        return seen[0]

    @property
    def _known(self) -> Callable[[Loaders], Loaders] | None:
        """Who looks at the data: nobody where there is no run."""
        return self._accept if self.subject.runs else None

    @property
    def models(self) -> Iterator[nn.Module]:
        """The networks, one a seed; told as loading, one after the other."""
        for number, config in enumerate(self.configs):
            if self.loading and len(self.configs) > 1:
                self.loading(number + 1, len(self.configs), f"{self.subject.label}: networks")
            yield self._ready(self._draw(config, *self._sizes), number) if number else self.model

    @property
    def _sizes(self) -> tuple[int, int]:
        """Number of classes and of channels."""
        if isinstance(self.source, Images):
            return self.source.loaders.num_classes, self.source.loaders.image_shape[0]
        return NOISE_CLASSES, self.source.shape[0]

    @cached_property
    def model(self) -> nn.Module:
        """The network of the first seed."""
        return self._ready(self.first, 0)

    @property
    def _trained(self) -> bool:
        """Whether a checkpoint gives each network all of its weights."""
        return bool(self.subject.runs) and self.look.weights != "initial"

    def _draw(self, config: RunConfig, classes: int, channels: int) -> nn.Module:
        """Return a network with the weights that its run starts from, or that a checkpoint replaces."""
        torch.manual_seed(derive(config.seed, "weights"))
        with located(config, "model"):
            model = build_from_config(config.model, classes, channels)
        if not self._trained:
            load_from_config(model, config.model)
        return model

    def _ready(self, model: nn.Module, number: int) -> nn.Module:
        """Return a network on the device, with the weights of its run if it has one."""
        if self._trained:
            load_weights(model, Checkpoints(self.subject.runs[number].checkpoints), self.look.weights)
        return model.to(self.device).eval()

    @cached_property
    def evaluate(self) -> Scoring:
        """model -> scores."""
        return Scoring(self.task, self.source.scored(self.split, self.look.images))

    @property
    def images(self) -> int:
        """How many images are scored."""
        return sum(len(targets) for _, targets in self.evaluate.batches)

    @property
    def batches(self) -> list[Batch]:
        """Images and targets to look at."""
        if self.look.batches == 0:
            return self.source.scored(self.split, self.look.images)
        large = self.subject.shape is not None and self.subject.shape[1] > LARGE
        count, size = FEW_BATCHES if large else MANY_BATCHES
        return self.source.batches(self.split, self.look.batches or count, self.look.batch_size or size)

    @property
    def batch(self) -> Batch:
        """The first of them."""
        return self.batches[0]

    @property
    def train_batches(self) -> list[Batch]:
        """The whole training split, or as many images of it as are scored."""
        return self.source.scored("train", self.look.images)

    @property
    def states(self) -> list[State]:
        """Weights along the run, oldest first."""
        if not self.data_is_own:
            raise InputError(f"{self.subject.label} cannot be trained again: this is not the data it was trained on.")
        log.info(f"{self.subject.label}: training again, which gives the same bits, for the weights on the way.")
        config = self.subject.configs[0]
        if self.subject.runs:
            config = as_trained(self.subject.runs[0]).replace(data=config.to_dict()["data"])
        return weight_trajectory(config, self._known)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        return self.task.loss(output, target)

    def must_share_data(self, other: StudyInputs) -> None:
        """Refuse another network that was not trained on the same images."""
        mine, its = (each.source.loaders if isinstance(each.source, Images) else None for each in (self, other))
        if mine and its and mine.fingerprint != its.fingerprint:
            have = " and ".join(f"{each.subject.label} ({each.configs[0].data.name})" for each in (self, other))
            raise InputError(f"{have} were not trained on the same data and split; they see no image in common.")

    @property
    def about(self) -> dict[str, object]:
        """What is studied, for the record."""
        which = self.look.weights if self.subject.runs else "initial"
        config = self.configs[0]
        dataset = config.data.name + ", " if self.subject.shape is None else ""
        return {
            "model": config.model.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
            "seeds": [config.seed for config in self.configs],
            "weights": f"{which} weights",
            "data": dataset + self.source.about(self.split) + self._whose_data,
            "device": str(self.device),
        }

    @property
    def _whose_data(self) -> str:
        """Say which data it is where it is not a run's own."""
        if self.data_is_own or isinstance(self.source, Noise):
            return ""
        return f" of other data ({self.source.loaders.fingerprint[:12]})"

    @property
    def summary(self) -> str:
        """One line for people: which weights and which images."""
        about = self.about
        seeds = f" with {len(self.configs)} seeds" if len(self.configs) > 1 else ""
        return f"{about['weights']}{seeds}, {about['data']}, on {about['device']}."


def load_weights(model: nn.Module, checkpoints: Checkpoints, which: str) -> None:
    """Load the best or the last weights of a run.

    Raises:
        CheckpointError: they are missing, damaged or of another network.
    """
    path = checkpoints.best if which == "best" else checkpoints.last
    try:
        model.load_state_dict(load(path)["model"])
    except (RuntimeError, KeyError):
        raise CheckpointError(f"{path}: does not fit the network of config.yaml.") from None
