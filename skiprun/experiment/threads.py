"""Try how many CPU threads train a network faster."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch

from skiprun.experiment.parts import Parts
from skiprun.training.cpu_threads import choose_threads

TRIAL_MACS = 4e9  # of a trial step: a fifth of a second or so


def try_threads(parts: Parts) -> Parts:
    """Return the parts of a new run with the CPU threads that are faster in a step on a copy of its network.

    As many images are tried as keep the threads busy, and no more: they shall fit wherever the run itself
    does.
    """
    if parts.setup.device.type != "cpu":
        return parts
    enough = max(2, round(TRIAL_MACS / parts.cost.macs))
    index = torch.arange(min(enough, parts.config.micro_batch_size))

    def step() -> None:
        images, targets = parts.loaders.train_batch(index)
        with parts.setup.autocast():
            output = copy.deepcopy(parts.model).train()(images)
        parts.task.loss(output, targets).backward()

    threads = choose_threads(parts.config, parts.cost.macs, step)
    return replace(parts, setup=replace(parts.setup, threads=threads))
