"""Find a learning rate: train some steps while the rate rises, and look where the loss falls (Smith 2017)."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.errors import Diverged, InputError
from skiprun.experiment.make_trainer import make_trainer
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.prepare import prepare
from skiprun.experiment.start_weights import with_weights_found
from skiprun.results.rate_curve import Point, RateCurve, runs_away
from skiprun.run import RUNS
from skiprun.system.documents import Row
from skiprun.system.progress import Progress, ProgressCallback
from skiprun.training.acceleration.step_maker import aside
from skiprun.training.metrics import MetricsLog
from skiprun.training.schedule import StepSettings
from skiprun.training.trainer import Trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RateRange:
    """From which rate to which, in how many steps."""

    lowest: float
    highest: float
    steps: int

    def __post_init__(self) -> None:
        """Refuse a range that does not rise."""
        if not 0 < self.lowest < self.highest:
            raise InputError(
                f"--from {self.lowest:g} --to {self.highest:g}: rates are above 0, and must rise."
            )

    def rate(self, step: int) -> float:
        """Return the rate of a step counted from 0: each is the same multiple of the one before."""
        share = step / max(1, self.steps - 1)
        return float(self.lowest ** (1 - share) * self.highest**share)


class RisingRate(StepSettings):
    """Settings of steps whose rate rises, whatever the schedule says."""

    def __init__(self, rates: RateRange, settings: StepSettings) -> None:
        super().__init__(settings.config, settings.samples, settings.optimizer, settings.model)
        self.rates = rates

    def lr(self, step: int) -> float:
        """Return the learning rate of a step counted from 0."""
        return self.rates.rate(step)


class Losses:
    """A view of the log that keeps the loss of each step."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def add(self, record: Row) -> None:
        """Keep rate and loss of a step."""
        self.points.append((float(record["lr"] or 0), float(record["train/loss"] or 0)))

    def close(self) -> None:
        """Keep what there is."""


def find_rate(
    config: RunConfig,
    rates: RateRange,
    runs: Path = RUNS,
    progress: Progress | None = None,
    loading: ProgressCallback | None = None,
) -> RateCurve:
    """Train the network of a config with a rate that rises until the loss runs away; nothing is kept of it.

    Args:
        config: the experiment, of which schedule, probes and weight average are left out.
        rates: from which to which.
        runs: the folder of runs, one of which may have the weights to begin with.
        progress: told of the steps.
        loading: told of (done, total, what) while data is prepared.
    """
    config = with_weights_found(with_plugins(config), runs)
    parts = prepare(without_schedule(config, rates.steps), loading)
    log.info(parts.description)
    losses = Losses()
    with tempfile.TemporaryDirectory() as folder:
        metrics = Path(folder) / "metrics.jsonl"
        trainer = make_trainer(
            parts, Path(folder), lambda kept: MetricsLog(metrics, kept, [losses]), progress, lambda: None
        )
        trainer.load_checkpoint()
        trainer.settings = RisingRate(rates, trainer.settings)
        diverged = rise(trainer, losses)
    return RateCurve(config.name, config.optim.name, losses.points, rates.highest, diverged)


def rise(trainer: Trainer, losses: Losses) -> bool:
    """Make the steps, one by one, until the loss runs away; return whether it was not finite then.

    Raises:
        Diverged: it was not finite from the start.
    """
    try:
        with trainer.log, trainer.checkpoints, aside(trainer.graph):
            while trainer.step < trainer.steps and not runs_away(losses.points):
                trainer.train_to(trainer.step + 1)
    except Diverged:
        if not losses.points:
            raise
        return True
    return False


def without_schedule(config: RunConfig, steps: int) -> RunConfig:
    """Return a config of so many steps that logs each loss, and nothing else."""
    plain = config.to_dict()
    return config.replace(
        schedule={"steps": steps, "kind": "constant"},
        optim=plain["optim"] | {"ema": None},
        log=plain["log"] | {"every": 1, "tensorboard": False},
        probes=[],
    )
