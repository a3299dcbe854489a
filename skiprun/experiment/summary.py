"""What is written of a run besides its log: summary.json and environment.json."""

from __future__ import annotations

import statistics

import torch

from skiprun.connections import sites
from skiprun.experiment.data_record import describe_data
from skiprun.experiment.parts import Parts
from skiprun.registry import MODELS
from skiprun.run import Run
from skiprun.run.documents import Summary
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
    seen = trainer.step * config.data.batch_size
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
        "steps": trainer.step,
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
    if trainer.stopped_early:
        summary["stopped_early"] = True
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
