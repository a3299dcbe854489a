"""Train a run again to record its weights after each epoch, which its directory does not hold.

Every step is a function of the config, the number of threads and the step's number, so the second time gives
the same bits as the first; the run's own directory is not touched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from skiprun.config import RunConfig
from skiprun.data import Loaders
from skiprun.experiment.prepare import prepare
from skiprun.run import Run
from skiprun.system.progress import NullProgress, Record
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load
from skiprun.training.metrics import MetricsLog
from skiprun.training.surroundings import Surroundings
from skiprun.training.trainer import Trainer

State = dict[str, Tensor]


class WeightRecorder(NullProgress):
    """Keeps the weights as they are at the end of each epoch."""

    def __init__(self) -> None:
        self.model: nn.Module
        self.states: list[State] = []

    def look(self, model: nn.Module) -> None:
        """Watch a network, from now on."""
        self.model = model
        self.keep()

    def keep(self) -> None:
        """Keep a copy of the weights."""
        self.states.append({name: value.detach().clone() for name, value in self.model.state_dict().items()})

    def epoch(self, _record: Record) -> None:
        """Keep the weights of an epoch."""
        self.keep()


def as_trained(run: Run) -> RunConfig:
    """Return the config of a run with the number of threads that it had, which a trial may have chosen."""
    config, threads = run.config, load(Checkpoints(run.checkpoints).last)["threads"]
    return config.replace(compute=config.to_dict()["compute"] | {"threads": threads})


def weight_trajectory(config: RunConfig, accept: Callable[[Loaders], Loaders] | None = None) -> list[State]:
    """Return the weights before the first step and after each epoch of a run, oldest first; see `prepare`."""
    parts, album = prepare(config, accept=accept), WeightRecorder()
    with tempfile.TemporaryDirectory(prefix="skiprun-") as folder:
        place = Path(folder)
        surroundings = Surroundings(
            Checkpoints(place),
            lambda keep_bytes: MetricsLog(place / "metrics.jsonl", keep_bytes, []),
            progress=album,
        )
        trainer = Trainer(
            parts.model,
            parts.task,
            parts.loaders,
            config,
            parts.setup,
            surroundings,
        )
        trainer.load_checkpoint()
        album.look(trainer.eval_model)
        trainer.fit()
    return album.states
