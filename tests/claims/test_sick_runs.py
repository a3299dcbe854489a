"""Twelve trainings that are made sick on purpose, each told by name, and six healthy ones, met with silence.

`python -m tests.claims.test_sick_runs` prints the table of docs/explain.md.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skiprun.claims.symptom import Explanation, explain
from skiprun.errors import Diverged
from skiprun.experiment.train import train
from skiprun.run import Run

SMALL = {"name": "resnet_cifar", "depth": 8}
PLAIN = {"name": "plain_cifar", "depth": 8}


def experiment(
    model: dict[str, Any],
    epochs: float = 10,
    every: int = 2,
    probes: tuple[str, ...] = ("grad_norm",),
    **sections: dict[str, Any],
) -> dict[str, Any]:
    """Return a training of seconds on digits, with a few things that are other."""
    given: dict[str, Any] = {
        "model": model,
        "data": {"name": "digits", "batch_size": 64},
        "optim": {},
        "schedule": {"epochs": epochs},
        "compute": {"threads": 1, "compile": "off", "device": "cpu"},
        "log": {"tensorboard": False, "every": every},
    }
    return {name: {**plain, **sections.get(name, {})} for name, plain in given.items()} | {
        "probes": [*probes]
    }


NOISY = {"name": "image_folder", "root": "NOISY", "image_size": 8}
# What was done, the symptom that has to be named, and the experiment.
SICK: dict[str, tuple[str, str, dict[str, Any]]] = {
    "rate": ("a rate of 3", "rate_too_high", experiment(SMALL, 8, optim={"lr": 3.0})),
    "diverged": (
        "a rate that warms up to 1, without normalization, leaky ReLU",
        "diverged",
        experiment(
            SMALL | {"norm": "none", "activation": "leaky_relu"},
            4,
            1,
            optim={"lr": 1.0},
            schedule={"warmup": 2.0},
        ),
    ),
    "dead": (
        "a rate of 0.5 without normalization: dead ReLUs",
        "dead_layers",
        experiment(PLAIN | {"norm": "none"}, optim={"lr": 0.5}, probes=("grad_norm", "activations")),
    ),
    "clipped": (
        "gradients clipped at 0.01",
        "clipping_always_on",
        experiment(SMALL, optim={"clip_norm": 0.01}),
    ),
    "overfit": (
        "900 images, 27 % with a wrong label, a wide network",
        "overfitting",
        experiment(SMALL, 20, data=NOISY, optim={"lr": 0.05}),
    ),
    "labels": (
        "the same images, a network too narrow to learn them by heart",
        "training_error_stuck",
        experiment(SMALL | {"width": 1}, 20, data=NOISY, optim={"weight_decay": 0.01}),
    ),
    "short": (
        "one epoch at a constant rate of 0.005",
        "too_short",
        experiment(SMALL, 1, optim={"lr": 0.005}, schedule={"kind": "constant"}),
    ),
    "vanishing": (
        "56 plain layers with layer norm",
        "vanishing_gradients",
        experiment({"name": "plain56", "norm": "layer", "width": 8}, 1),
    ),
    "exploding": (
        "56 plain layers with batch norm",
        "exploding_gradients",
        experiment({"name": "plain56"}, 1),
    ),
    "chance": (
        "56 plain layers without normalization",
        "stuck_at_chance",
        experiment({"name": "plain56", "norm": "none", "width": 8}, 3),
    ),
    "spikes": (
        "a constant rate of 0.5, momentum 0.95, batches of 16",
        "loss_spikes",
        experiment(
            SMALL,
            5,
            1,
            data={"batch_size": 16},
            optim={"lr": 0.5, "momentum": 0.95},
            schedule={"kind": "constant"},
        ),
    ),
    "slow": (
        "a healthy run, its log with a third of the images a second from step 110 on",
        "throughput_drop",
        {},
    ),
}
HEALTHY: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet": ("8 layers with skips", experiment(SMALL)),
    "plain": ("8 plain layers", experiment(PLAIN)),
    "preact": ("20 pre-activation layers", experiment({"name": "preact20", "width": 8})),
    "highway": ("8 layers with highway gates", experiment(SMALL | {"connection": "highway"})),
    "usual": (
        "the protocol of `compare`: clipped at 1, augmented",
        experiment(SMALL, optim={"clip_norm": 1.0}, data={"augment": {"crop": 1}}),
    ),
    "masks": (
        "a U-Net on cells",
        experiment({"name": "unet", "width": 4}, 4, data={"name": "cells", "batch_size": 16}),
    ),
}


def write_noisy(folder: Path) -> None:
    """Write 900 digits in folders of their classes, three in ten of them in any folder."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits, draw = load_digits(), random.Random(0)
    for number, (image, label) in enumerate(zip(digits.images[:900], digits.target[:900], strict=True)):
        home = folder / str(draw.randrange(10) if draw.random() < 0.3 else label)
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15).astype("uint8")).save(home / f"{number}.png")


def trained(name: str, plain: dict[str, Any], root: Path) -> Run:
    """Train one of the experiments; one that diverges is a run too."""
    if plain["data"].get("root") == "NOISY":
        if not (root / "noisy").exists():
            write_noisy(root / "noisy")
        plain = plain | {"data": plain["data"] | {"root": str(root / "noisy")}}
    try:
        return train(plain | {"name": name}, runs=root / "runs")
    except Diverged:
        return Run(root / "runs" / name / "seed-0")


def slowed(run: Run) -> Run:
    """Let the log of a run say that it made a third of the images a second from step 110 on."""
    rows = [dict(row) for row in run.metrics()]
    for row in rows:
        if "time/images_per_s" in row:
            row["time/images_per_s"] = 900.0 if row["step"] < 110 else 300.0
    run.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run


def made_sick(name: str, root: Path) -> Explanation:
    """Return what is said of one of the sick runs."""
    if name == "slow":
        return explain(slowed(trained(name, HEALTHY["resnet"][1], root)))
    return explain(trained(name, SICK[name][2], root))


@pytest.mark.slow
@pytest.mark.parametrize("name", SICK)
def test_a_sick_run_is_told_by_what_was_done_to_it(name: str, tmp_path: Path) -> None:
    assert SICK[name][1] in made_sick(name, tmp_path).symptoms


@pytest.mark.slow
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_is_met_with_silence(name: str, tmp_path: Path) -> None:
    found = explain(trained(name, HEALTHY[name][1], tmp_path))
    assert set(found.symptoms) <= {"throughput_drop"}, "a clock of a busy machine decides nothing"


def table(root: Path) -> Iterator[str]:
    """Yield the lines of a table of what is said of each run."""
    yield "| run | what was said |\n|---|---|"
    for name, (done, plain) in HEALTHY.items():
        yield f"| healthy: {done} | {_said(explain(trained(name, plain, root)))} |"
    for name, (done, *_) in SICK.items():
        yield f"| {done} | {_said(made_sick(name, root))} |"


def _said(found: Explanation) -> str:
    return (
        "; ".join(f"**{name}**: {symptom.sentence}" for name, symptom in found.symptoms.items()) or "nothing"
    )


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for line in table(Path(folder)):
            print(line, flush=True)
