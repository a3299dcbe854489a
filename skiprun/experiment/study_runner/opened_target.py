"""Open a target: its first network, the images that it is looked at with, and where it computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from skiprun.config import RunConfig
from skiprun.data import Loaders
from skiprun.errors import InputError
from skiprun.experiment.prepare import prepare
from skiprun.experiment.study_runner.images import NOISE_CLASSES, Images, RandomImages
from skiprun.experiment.study_runner.study_target import Shape
from skiprun.experiment.study_runner.target_networks import TargetNetworks
from skiprun.models import cost
from skiprun.registry import MODELS, TASKS
from skiprun.system.progress import ProgressCallback
from skiprun.tasks import Task
from skiprun.training.cpu_threads import choose_threads
from skiprun.training.device import choose_device, configure_process


@dataclass(frozen=True)
class OpenedTarget:
    """What is there once a target is opened.

    Attributes:
        model: the network of the first seed, on the host.
        source: where its images come from.
        task: how they are scored.
        device: where it computes.
    """

    model: nn.Module
    source: Images | RandomImages
    task: Task
    device: torch.device


def open_on_data(
    config: RunConfig,
    networks: TargetNetworks,
    loading: ProgressCallback | None,
    accept: Callable[[Loaders], Loaders] | None,
) -> OpenedTarget:
    """Open a target with the data of its config; `accept` looks at the data of runs, as in `prepare`."""
    parts = prepare(config, loading, given_weights=not networks.are_trained, accept=accept)
    images = Images(parts.loaders, parts.evaluation_batch_size)
    return OpenedTarget(parts.model, images, parts.task, parts.setup.device)


def open_on_noise(config: RunConfig, networks: TargetNetworks, shape: Shape) -> OpenedTarget:
    """Open a target with random images of a shape, which need no dataset."""
    if MODELS[config.model.name].info.task != "classification":
        raise InputError(
            f"'{config.model.name}' learns masks; name a dataset for it, as --set data.name=cells."
        )
    setup = choose_device(config)
    configure_process(setup)
    model = networks.draw(config, NOISE_CLASSES, shape[0])
    if setup.device.type == "cpu":
        threads = choose_threads(config, cost(model, shape).macs)
        configure_process(replace(setup, threads=threads))
    return OpenedTarget(
        model, RandomImages(shape, setup.device), TASKS["classification"].target(), setup.device
    )
