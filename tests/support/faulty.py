"""Runs that die: a training run of a second in a process of its own, sabotaged from outside the product.

Children are forked from one process that has imported torch and trained once (`tests.support.warm`), so a
trial is cheap. A sabotage is installed in the child before it trains; the product has no hooks for it.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

import skiprun.system.files
import skiprun.training.checkpoint
import skiprun.training.checkpoint_file
from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.data.assemble import assemble
from skiprun.data.source import RawDataset, RawSplit
from skiprun.errors import SkiprunError
from skiprun.infos import DatasetInfo
from skiprun.registry import DATASETS, Entry
from skiprun.run import Run
from skiprun.system.progress import NullProgress
from skiprun.training.checkpoint_file import load
from tests.support.compare import assert_same, timeless, untimed

STEPS = 20
KILLED = -signal.SIGKILL
Sabotage = Callable[[], None]
NOISE = 0  # seed of the images
WRITING = tuple(
    module.__file__
    for module in (skiprun.system.files, skiprun.training.checkpoint, skiprun.training.checkpoint_file)
)

# Everything at once that draws at random or carries state from step to step.
EVERYTHING: dict[str, Any] = {
    "model": {"name": "resnet_cifar", "depth": 8, "width": 4, "connection": "stochastic_depth"},
    "data": {
        "name": "tiny",
        "batch_size": 16,
        "val_fraction": 0.2,
        "augment": {"mixup": 0.4, "crop": 1, "flip": True},
    },
    "optim": {"lr": 0.05, "clip_norm": 1.0, "ema": 0.9, "accumulate": 2},
    "seeds": {"order": 3, "augment": 4, "split": 1},
}


def tiny(config: Any, device: torch.device, progress: Any) -> Any:
    """Noise with a bright corner that gives the class away: 64 images to train on, 16 and 16 to score."""
    generator = np.random.default_rng(NOISE)
    labels = np.arange(96) % 4
    images = generator.integers(0, 160, (96, 8, 8, 1)).astype(np.uint8)
    for label in range(4):
        row, column = divmod(label, 2)
        images[labels == label, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 60
    train, test = (RawSplit(images[part], labels[part]) for part in (slice(80), slice(80, 96)))
    return assemble(RawDataset(train, test, tuple("abcd")), config, device)


@contextlib.contextmanager
def tiny_dataset() -> Iterator[None]:
    """Let configs name the dataset 'tiny'."""
    DATASETS.fill()
    before = dict(DATASETS.entries)
    DATASETS.entries["tiny"] = Entry("tiny", tiny, DatasetInfo(), __name__)
    try:
        yield
    finally:
        DATASETS.entries = before


def fault_config(**sections: Any) -> RunConfig:
    """Return a config of 20 steps in 5 epochs, which sections may override."""
    plain = {
        "name": "run",
        "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
        "data": {"name": "tiny", "batch_size": 16, "val_fraction": 0.2},
        "optim": {"lr": 0.05, "clip_norm": 1.0},
        "schedule": {"epochs": 5},
        "compute": {"device": "cpu", "precision": "fp32"},
        "log": {"every": 2, "tensorboard": False},
    }
    return build_config(plain | sections)


def train_here(config: RunConfig, runs: Path, **options: Any) -> Run:
    """Train in this process."""
    from skiprun import experiment

    with tiny_dataset():
        return experiment.train(config, runs=runs, **options)


def context() -> Any:
    """Return the forkserver whose children have trained once already."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.support.warm"])
    return found


def start(config: RunConfig, runs: Path, *sabotages: Sabotage, **options: Any) -> Any:
    """Start a training process, sabotaged, and return it."""
    child = context().Process(target=_child, args=(config.to_dict(), runs, sabotages, options))
    child.start()
    return child


def trial(config: RunConfig, runs: Path, *sabotages: Sabotage, **options: Any) -> int:
    """Train in a child and return its exit code, negative for the signal that killed it."""
    child = start(config, runs, *sabotages, **options)
    child.join(120)
    if child.exitcode is None:
        child.kill()
        raise AssertionError("the child hangs")
    return int(child.exitcode)


def _child(
    plain: dict[str, Any], runs: Path, sabotages: tuple[Sabotage, ...], options: dict[str, Any]
) -> None:
    """Train, in a process of its own, whose exit code is that of the command line; errors go to a file."""
    from skiprun.errors import exit_code

    for sabotage in sabotages:
        sabotage()
    try:
        train_here(build_config(plain), runs, **options)
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        (runs.parent / "error.txt").write_text(f"{type(error).__name__}: {error}")
        os._exit(exit_code(error) if isinstance(error, SkiprunError | OSError) else 99)


def die() -> None:
    """End this process as the kernel does when memory is out: nothing is flushed, no handler runs."""
    os.kill(os.getpid(), signal.SIGKILL)


class SignalAfterStep(NullProgress):
    """Progress that sends this process a signal after a step."""

    def __init__(self, at: int, number: int) -> None:
        self.at, self.number = at, number

    def step(self, step: int, steps: int) -> None:
        if step == self.at:
            os.kill(os.getpid(), self.number)


class KillAfterStep(SignalAfterStep):
    """Progress that ends the process after a step, before anything of it is saved."""

    def __init__(self, at: int) -> None:
        super().__init__(at, signal.SIGKILL)


def patch(target: str, count: int, before: bool, action: Sabotage) -> None:
    """Let the count-th call of 'module:Class.method' do something, before or after itself."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    original, calls = getattr(owner, name), [0]

    def patched(*arguments: Any, **keywords: Any) -> Any:
        calls[0] += 1
        if before and calls[0] == count:
            action()
        result = original(*arguments, **keywords)
        if not before and calls[0] == count:
            action()
        return result

    setattr(owner, name, patched)


def kill_at(target: str, count: int, before: bool = True) -> Sabotage:
    """Return the sabotage that kills at the count-th call of something."""
    return partial(patch, target, count, before, die)


def kill_at_line_of_save(save: int, line: int) -> Sabotage:
    """Return the sabotage that kills before the line-th line of a save in the storage and its caller."""
    return partial(_trace_save, save, line)


def _trace_save(save: int, line: int) -> None:
    seen = [0]

    def of_line(frame: FrameType, event: str, argument: Any) -> Any:
        seen[0] += event == "line"
        if seen[0] == line:
            die()
        return of_line

    def of_call(frame: FrameType, event: str, argument: Any) -> Any:
        return of_line if frame.f_code.co_filename in WRITING else None

    patch("skiprun.training.checkpoint:Checkpoints.save_last", save, True, partial(sys.settrace, of_call))
    patch("skiprun.training.checkpoint:Checkpoints.save_last", save, False, partial(sys.settrace, None))


def kill_in_write(count: int) -> Sabotage:
    """Return the sabotage that kills when half of the count-th file written whole is on the disk."""
    return partial(_open_half, count)


def _open_half(count: int) -> None:
    original, opened = Path.open, [0]

    def patched(self: Path, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
        file = original(self, mode, *arguments, **keywords)
        opened[0] += mode == "xb"
        if mode == "xb" and opened[0] == count:
            write = file.write

            class Half:
                def __enter__(self) -> Half:
                    return self

                def __exit__(self, *_: object) -> None:
                    file.close()

                def write(self, content: bytes) -> None:
                    write(content[: len(content) // 2])
                    file.flush()
                    die()

            return Half()
        return file

    Path.open = patched  # type: ignore[method-assign]


def limit_file_size(size: int) -> None:
    """Let no file of this process grow beyond a size, as a quota does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def finish(config: RunConfig, runs: Path) -> None:
    """Continue a run in a new process to its end."""
    assert trial(config, runs) == 0, (runs.parent / "error.txt").read_text()


def assert_same_runs(one: Path, other: Path, config: RunConfig) -> None:
    """Compare all that two run directories hold, but times and what follows from them."""
    left, right = Run.of(one, config), Run.of(other, config)
    assert_same(
        [timeless(row) for row in left.metrics()], [timeless(row) for row in right.metrics()], "metrics"
    )
    ours, theirs = (run.summary() | {"time": None, "metrics_sum": None} for run in (left, right))
    assert_same(ours, theirs, "summary")
    for name in ("last.pt", "best.pt"):
        assert_same(untimed(load(left.checkpoints / name)), untimed(load(right.checkpoints / name)), name)
    assert not list(right.path.rglob("*.tmp")), "temporary files are left"
    assert {file.name for file in right.checkpoints.iterdir()} <= {
        "last.pt",
        "previous.pt",
        "best.pt",
        "last.damaged",
    }
