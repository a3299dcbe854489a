"""What is written of a run besides its log: summary.json and environment.json."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

import skiprun
from skiprun.connections import sites
from skiprun.experiment.data_record import describe_data
from skiprun.experiment.parts import Parts
from skiprun.experiment.start_weights import digest
from skiprun.registry import MODELS
from skiprun.run import Run
from skiprun.run.documents import Session, Summary
from skiprun.system.machine import cores, find_program
from skiprun.training.gpu_record import describe_gpu
from skiprun.training.trainer import Trainer


def connection_name(parts: Parts) -> str | None:
    """Return a network's connection, 'none' where every site is switched off, None where it has no sites."""
    model = parts.config.model
    found = sites(parts.model).values()
    if found and not any(connection.uses_shortcut for connection in found):
        return "none"
    return model.connection or MODELS[model.name].info.connection


def summarize(parts: Parts, trainer: Trainer, run: Run, test: dict[str, float]) -> Summary:
    """Return the numbers of a finished run."""
    config, loaders = parts.config, parts.loaders
    entry = MODELS[config.model.name]
    seen = trainer.steps * config.data.batch_size
    summary: Summary = {
        "name": config.name,
        "seed": config.seed,
        "config": config.to_dict(),
        "model": {
            "name": config.model.name,
            "family": entry.info.family,
            "connection": connection_name(parts),
            "parameters": parts.cost.parameters,
            "macs": parts.cost.macs,
            "layers": parts.cost.layers,
        },
        "data": {
            **describe_data(config.data, loaders),
            "score_name": parts.task.score_name,
            "better": parts.task.better,
        },
        "steps": trainer.steps,
        "epochs": seen / len(loaders.train),
        "batch_size": config.data.batch_size,
        "precision": parts.setup.precision,
        "device": str(parts.setup.device),
        "threads": torch.get_num_threads(),
        "best": trainer.best.record,
        "final": trainer.last_scores,
        "test": test,
        "metrics_sum": trainer.log.sum.hexdigest(),
        "test_scored": 1 + sum(bool(entry["lengthened"].get("test")) for entry in run.lengthenings()),
    }
    if parts.trivial:
        summary["trivial"] = parts.trivial
    if gpu := describe_gpu(parts.setup.device):
        summary["gpu"] = gpu
    seconds = trainer.timers.seconds["train"]
    return {
        **summary,
        "gradient": {"first_over_last": gradient_ratio(run)},
        "time": {"train_s": seconds, "images_per_s": seen / seconds},
    }


def gradient_ratio(run: Run) -> dict[str, float]:
    """Return the first-over-last gradient norm of a run: at start, median and end; empty without probe."""
    tag = "grad/first_over_last"
    ratios = [ratio for record in run.rows() if (ratio := record.get(tag)) is not None]
    return {"start": ratios[0], "median": statistics.median(ratios), "end": ratios[-1]} if ratios else {}


def environment(parts: Parts, side_by_side: int = 1, ranks: int = 1) -> Session:
    """Return what a session ran on: versions, device, command, commit, time, data and initial weights.

    Args:
        parts: of the run.
        side_by_side: how many runs the GPU trained at a time in this process.
        ranks: how many processes train it together.
    """
    session: Session = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": " ".join(sys.argv),
        "commit": commit_of_code(),
        "skiprun": skiprun.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "system": platform.platform(),
        "device": str(parts.setup),
        "cores": cores(),
        "data": describe_data(parts.config.data, parts.loaders),
    }
    if gpu := describe_gpu(parts.setup.device):
        session["gpu"] = gpu
    if side_by_side > 1:
        session["side_by_side"] = side_by_side
    if ranks > 1:
        session["ranks"] = ranks
    if parts.weights and (begun_with := digest(parts.config.model.weights or "")):
        session["weights"] = begun_with
    return session


# A checkout's configuration can name programs to run; a commit is described without any of them.
GIT = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "--no-pager",
    "--no-optional-locks",
)


@functools.cache
def commit_of_code() -> str | None:
    """Return the commit of skiprun's own checkout, with '+' if it has changes; None where there is none.

    The working folder is not asked: it may be anybody's, and the numbers depend on the code. A process asks
    once, as it does not import its code again either.
    """
    checkout, git = Path(skiprun.__file__).parents[1], find_program("git")
    if git is None or not (checkout / ".git").exists():
        return None
    command = [git, *GIT, "describe", "--always", "--dirty=+", "--exclude=*"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(
            command, cwd=checkout, env=own, capture_output=True, text=True, timeout=5, check=True
        )
        return found.stdout.strip()
    return None
