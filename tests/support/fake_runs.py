"""Writes believable run directories, as a training would, without torch: what reports are tested on."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from skiprun.config import RunConfig
from skiprun.run import Run
from skiprun.run.documents import Session
from skiprun.system.files import json_safe

STEPS_AN_EPOCH = 20
SESSION: Session = {
    "time": "2026-01-02T03:04:05+0000",
    "command": "skiprun compare plain20 plain56 resnet56 --seeds 3",
    "commit": "abc1234",
    "skiprun": "0.1.0",
    "python": "3.12.1",
    "torch": "2.13.0",
    "system": "Linux",
    "device": "CPU, 2 threads, fp32",
}


def write_run(
    root: Path,
    name: str,
    seed: int = 0,
    *,
    model: str | None = None,
    connection: str | None = "none",
    family: str = "resnet_cifar",
    loss: float = 0.01,
    error: float = 0.1,
    test: dict[str, float] | None = None,
    val: float | None = None,
    task: str = "classification",
    fingerprint: str = "f00d",
    epochs: int = 15,
    state: str = "finished",
    message: str = "",
    settings: dict[str, Any] | None = None,
) -> Run:
    """Write one run; it ends at a training loss and error, and at scores, that are given; val is as test."""
    model = model or name
    score = "error" if task == "classification" else "iou"
    test = test or {score: error + 1.0}
    config = RunConfig.model_validate(
        {
            "name": re.sub(r"[^A-Za-z0-9._-]|^[^A-Za-z0-9]", "x", name),
            "seed": seed,
            "model": {"name": model},
            "data": {"name": "digits" if task == "classification" else "cells", "batch_size": 64},
            "schedule": {"epochs": float(epochs)},
        }
        | (settings or {})
    )
    run = Run(root / name / f"seed-{seed}")
    run.checkpoints.mkdir(parents=True)
    run.studies.mkdir()
    (run.checkpoints / "best.pt").write_bytes(b"weights")
    run.config_file.write_text(yaml.safe_dump(config.to_dict(), sort_keys=False))
    run.record_environment(SESSION)
    layers = int((re.findall(r"\d+", model) or ["20"])[-1])
    rows = list(_rows(layers, connection, epochs, loss, error, score, test, random.Random(seed)))
    run.metrics_file.write_text("".join(json.dumps(json_safe(row)) + "\n" for row in rows))
    if state != "finished":
        run.record_status(state, 40, message)  # type: ignore[arg-type]
        return run
    ratios = [row["grad/first_over_last"] for row in rows if "grad/first_over_last" in row]
    best = {"loss": 0.1, score: test[score] if val is None else val}
    run.finish(
        {
            "name": config.name,
            "seed": seed,
            "model": {
                "name": model,
                "family": family,
                "connection": connection,
                "parameters": 97_216 * ((layers - 2) // 6) - 21_926,
                "macs": 14_155_776 * ((layers - 2) // 6) - 1_916_288,
                "layers": layers,
            },
            "data": {
                "name": config.data.name,
                "task": task,
                "score_name": score,
                "better": "lower" if score == "error" else "higher",
                "train": 1293,
                "val": 144,
                "test": 360,
                "num_classes": 10,
                "image_shape": [1, 8, 8],
                "fingerprint": fingerprint,
            },
            "steps": epochs * STEPS_AN_EPOCH,
            "epochs": float(epochs),
            "batch_size": 64,
            "precision": "fp32",
            "device": "cpu",
            "threads": 2,
            "best": {"step": epochs * STEPS_AN_EPOCH, "epoch": epochs, "val": best},
            "final": {"train": {"loss": loss, score: error}, "val": best},
            "test": {"loss": 0.1, **test},
            "gradient": {
                "first_over_last": {
                    "start": ratios[0],
                    "median": sorted(ratios)[len(ratios) // 2],
                    "end": ratios[-1],
                }
            },
            "time": {"train_s": 12.3, "images_per_s": 36_000 / layers},
        }
    )
    return run


def _rows(
    layers: int,
    connection: str | None,
    epochs: int,
    loss: float,
    error: float,
    score: str,
    test: dict[str, float],
    noise: random.Random,
) -> Iterator[dict[str, Any]]:
    """Yield metrics.jsonl: a loss that falls to its end, and norms that grow towards a plain net's input."""
    steepness = (0.12 if connection == "none" else 0.02) * layers
    digits = max(2, len(str(layers)))
    for epoch in range(1, epochs + 1):
        for step in range((epoch - 1) * STEPS_AN_EPOCH + 10, epoch * STEPS_AN_EPOCH + 1, 10):
            lean = steepness * (1 - 2 * step / (epochs * STEPS_AN_EPOCH)) + noise.gauss(0, 0.3)
            norms = [math.exp(lean * (0.5 - i / layers) + noise.gauss(0, 0.1)) for i in range(layers)]
            layer_norms = {f"grad_norm/{i + 1:0{digits}d}.conv{i}": norm for i, norm in enumerate(norms)}
            ratio = {"grad/first_over_last": norms[1] / norms[-2], "grad/total": sum(norms), "lr": 0.1}
            yield {"step": step, "epoch": epoch - 1, "train/loss": loss, **ratio, **layer_norms}
        left = math.exp(-5 * epoch / epochs) - math.exp(-5)
        curve = {"train/epoch_loss": loss + (2.3 - loss) * left, "val/loss": 0.1, f"train/{score}": error}
        begin = 90.0 if score == "error" else 0.0
        val = test[score] + (begin - test[score]) * left * math.exp(noise.gauss(0, 0.1))
        speed = {"time/epoch_s": 0.8, "time/images_per_s": 36_000 / layers}
        yield {
            "step": epoch * STEPS_AN_EPOCH,
            "epoch": epoch,
            "epoch_end": True,
            **curve,
            f"val/{score}": val,
            **speed,
        }
    yield {
        "step": epochs * STEPS_AN_EPOCH,
        "epoch": epochs,
        "test/loss": 0.1,
        **{f"test/{k}": v for k, v in test.items()},
    }


def write_trio(root: Path, seeds: int = 3) -> list[Run]:
    """Write the controlled experiment: plain20, plain56 that degrades, resnet56 that does not."""
    shake = [1.0, 0.8, 1.3, 1.1, 0.9]
    return [
        run
        for seed, s in zip(range(seeds), shake, strict=False)
        for run in (
            write_run(root, "plain20", seed, loss=0.010 * s, error=0.1 * s, test={"error": 1.1 * s}),
            write_run(root, "plain56", seed, loss=2.2 - 0.3 * s, error=70.0 + s, test={"error": 67.0 + s}),
            write_run(
                root,
                "resnet56",
                seed,
                connection="add",
                loss=0.0107 * s,
                error=0.1,
                test={"error": 1.2 + 0.2 * s},
            ),
        )
    ]
