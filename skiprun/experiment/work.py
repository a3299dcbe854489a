"""Work: a run that is missing, and what it needs of the machine that trains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from skiprun.config import RunConfig
from skiprun.data import Loaders
from skiprun.data.residence import RESIDENT_SHARE
from skiprun.experiment.checks import check_config
from skiprun.experiment.opening import known_data
from skiprun.experiment.parts import Parts
from skiprun.experiment.prepare import build
from skiprun.registry import PROBES
from skiprun.run import Run
from skiprun.system.progress import ProgressCallback
from skiprun.training.device import DeviceSetup, configure_process

Choose = Callable[[RunConfig], DeviceSetup]
CPU = torch.device("cpu")
CONTEXT_BYTES = 600_000_000  # of CUDA itself in a process, with the kernels of torch and its libraries
BYTES_PER_PARAMETER = 16  # weight, gradient and what an optimizer keeps
BF16_SHARE = 0.6  # of the activations in float32: not all of them are kept in bf16


@dataclass(frozen=True)
class Need:
    """Bytes that a run takes on a GPU, about.

    Attributes:
        dataset: its images and targets, which stay where they are if they would fill too much.
        rest: all else.
        copies: of the dataset.
    """

    dataset: int
    rest: int
    copies: int = 1

    def on(self, free: int) -> int:
        """Return the bytes on a GPU of which so many are free."""
        return self.rest + (self.copies * self.dataset if self.dataset <= RESIDENT_SHARE * free else 0)

    def times(self, count: int) -> Need:
        """Return what so many runs take in one process."""
        return Need(self.dataset, count * self.rest - (count - 1) * CONTEXT_BYTES, count * self.copies)


@dataclass(frozen=True)
class Work:
    """A run to train, or several seeds of an experiment side by side on one GPU.

    Attributes:
        label: what people call it.
        config: of the run.
        macs: multiply-adds of a step.
        need: memory on a GPU; None: it is computed on the CPU.
        beside: configs by label of the seeds that are trained beside it.
        until: the share of each run after which it pauses.
    """

    label: str
    config: RunConfig
    macs: int
    need: Need | None
    beside: Mapping[str, RunConfig] = field(default_factory=dict)
    until: float = 1.0

    @property
    def configs(self) -> dict[str, RunConfig]:
        """Every run, by label."""
        return {self.label: self.config, **self.beside}


def list_work(
    missing: Mapping[str, RunConfig], runs: Path, choose: Choose, loading: ProgressCallback | None
) -> list[Work]:
    """Return runs with what each needs; whatever one of them would refuse is refused here, before any step.

    Args:
        missing: configs by label.
        runs: the folder of all runs.
        choose: says where a run will be.
        loading: told of (done, total, what) while data is prepared.
    """
    known: dict[str, Work] = {}  # seeds of an experiment need the same
    for label, config in missing.items():
        if config.name not in known:
            parts = rehearse(config, choose, loading, known_data(Run.of(runs, config)))
            on_gpu = parts.setup.device.type == "cuda"
            macs = parts.cost.macs * config.data.batch_size
            known[config.name] = Work(label, config, macs, need_of(parts) if on_gpu else None)
            del parts  # or two datasets would be there at a time
    return [replace(known[config.name], label=label, config=config) for label, config in missing.items()]


def rehearse(
    config: RunConfig,
    choose: Choose,
    loading: ProgressCallback | None = None,
    accept: Callable[[Loaders], Loaders] | None = None,
) -> Parts:
    """Return what `prepare` does, with the images in this machine's memory: the run's GPU is left alone."""
    check_config(config, new=accept is None)
    setup = choose(config)
    configure_process(replace(setup, device=CPU))
    return build(config, setup, loading, given_weights=True, accept=accept, data_device=CPU)


def need_of(parts: Parts) -> Need:
    """Return the memory that a run takes on a GPU, by counts; nothing is tried."""
    config, cost = parts.config, parts.cost
    share = BF16_SHARE if parts.setup.precision == "bf16" else 1.0
    # Steps in which hooks watch keep theirs beside what a CUDA graph keeps.
    copies = 2 if any(PROBES[name].target.hooks for name in config.probes) else 1
    activations = copies * share * cost.activation_bytes * config.micro_batch_size
    rest = CONTEXT_BYTES + BYTES_PER_PARAMETER * cost.parameters + activations
    return Need(dataset_bytes(parts.loaders), round(rest))


def dataset_bytes(loaders: Loaders) -> int:
    """Return how large the images and targets of all splits are; what is streamed is never there whole."""
    if loaders.shard_sizes:
        return 0
    first = torch.zeros(1, dtype=torch.int64)
    splits = (loaders.train, loaders.val, loaders.test)
    return sum(len(split) * sum(tensor.nbytes for tensor in split.take(first)) for split in splits)
