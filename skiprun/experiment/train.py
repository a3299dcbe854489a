"""From a config to a finished run."""

from __future__ import annotations

import contextlib
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import skiprun
from skiprun.config import RunConfig
from skiprun.configfile import load_config
from skiprun.errors import Diverged, SkiprunError, Stopped
from skiprun.experiment.parts import Loading, Parts, prepare
from skiprun.registry import MODELS, PROBES
from skiprun.run import Run, State
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.metrics import MetricsLog, View
from skiprun.training.stopping import StopFlag
from skiprun.training.tensorboard import TensorBoard
from skiprun.training.trainer import Progress, Trainer

RUNS = Path("runs")
Say = Callable[[str], None]


def train(
    config: RunConfig | Path | str,
    *,
    runs: Path | str = RUNS,
    fresh: bool = False,
    progress: Progress | None = None,
    loading: Loading | None = None,
    say: Say = lambda message: None,
) -> Run:
    """Train one config to the end, continue it where it stopped, or return it finished.

    Args:
        config: a RunConfig or a YAML file.
        runs: the folder of all runs.
        fresh: delete what is there and start over.
        progress: told of steps and epochs.
        loading: told of (done, total, what) while data is prepared.
        say: told, in a line, what is done.
    """
    config = config if isinstance(config, RunConfig) else load_config(config)
    run = Run(Path(runs) / config.name / f"seed-{config.seed}")
    if run.summary_file.exists() and not fresh:
        Run.create(Path(runs), config)  # refuses another experiment of this name
        say(f"{run.path} is finished already.")
        return run
    parts = prepare(config, loading)
    with run.lock():
        if fresh and run.path.exists():
            run.clear()
        run = Run.create(Path(runs), config)
        say(parts.description)
        with StopFlag() as stop:
            _train(parts, run, progress, say, stop)
    return run


def _train(parts: Parts, run: Run, progress: Progress | None, say: Say, stop: StopFlag) -> None:
    """Train in a locked run directory, and record how it ended."""
    run.record_environment(environment(parts))
    probes = [PROBES[name].thing() for name in parts.config.probes]

    def open_log(keep_bytes: int) -> MetricsLog:
        views: list[View] = [TensorBoard(run.path, parts.config)] if parts.config.log.tensorboard else []
        return MetricsLog(run.metrics_file, keep_bytes, views)

    trainer = Trainer(
        parts.model,
        parts.task,
        parts.loaders,
        parts.config,
        parts.placement,
        Checkpoints(run.checkpoints),
        open_log,
        probes,
        progress,
        lambda: stop.signal_number,
    )
    for line in trainer.passed_over:
        say(f"{line} The one before it is used.")
    if trainer.step:
        say(f"Continuing after step {trainer.step} of {trainer.steps}.")
    try:
        test = trainer.fit()
    except (SkiprunError, KeyboardInterrupt) as error:
        state: State = "diverged" if isinstance(error, Diverged) else "stopped"
        if not isinstance(error, Diverged | Stopped | KeyboardInterrupt):
            state = "failed"
        run.record_status(state, trainer.step, str(error))
        raise
    run.finish(summarize(parts, trainer, run, test))


def summarize(parts: Parts, trainer: Trainer, run: Run, test: dict[str, float]) -> dict[str, Any]:
    """Return the numbers of a finished run."""
    config, loaders = parts.config, parts.loaders
    entry = MODELS[config.model.name]
    seen = trainer.steps * config.data.batch_size
    return {
        "name": config.name,
        "seed": config.seed,
        "model": {
            "name": config.model.name,
            "family": entry.facts["family"],
            "connection": config.model.connection or entry.facts.get("connection"),
            "parameters": parts.cost.parameters,
            "macs": parts.cost.macs,
            "layers": parts.cost.layers,
        },
        "data": {
            "name": config.data.name,
            "task": loaders.task,
            "score_name": parts.task.score_name,
            "better": parts.task.better,
            "train": len(loaders.train),
            "val": len(loaders.val),
            "test": len(loaders.test),
            "num_classes": loaders.num_classes,
            "class_names": list(loaders.class_names),
            "image_shape": list(loaders.image_shape),
            "mean": list(loaders.mean),
            "std": list(loaders.std),
            "fingerprint": loaders.fingerprint,
        },
        "steps": trainer.steps,
        "epochs": seen / len(loaders.train),
        "batch_size": config.data.batch_size,
        "precision": parts.placement.precision,
        "device": str(parts.placement.device),
        "threads": torch.get_num_threads(),
        "best": trainer.best,
        "final": trainer.final,
        "test": test,
        "gradient": {"first_over_last": gradient_ratio(run)},
        "time": {"train_s": trainer.seconds["train"], "images_per_s": seen / trainer.seconds["train"]},
    }


def gradient_ratio(run: Run) -> dict[str, float]:
    """Return first-over-last gradient norm at the start, in the median and at the end of a run; empty without probe."""
    tag = "grad/first_over_last"
    ratios = [record[tag] for record in run.metrics() if record.get(tag) is not None]
    return {"start": ratios[0], "median": statistics.median(ratios), "end": ratios[-1]} if ratios else {}


def environment(parts: Parts) -> dict[str, Any]:
    """Return what a session ran on: versions, device, command, commit, time."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": " ".join(sys.argv),
        "commit": _commit(),
        "skiprun": skiprun.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "system": platform.platform(),
        "device": str(parts.placement),
    }


def _commit() -> str | None:
    """Return the commit of the working directory, with '+' if it has changes; None outside a repository."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
        return found.stdout.strip()
    return None
