"""The runs that are trained on a CPU and on the simulated GPU: whatever a training step can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from skiprun.config import RunConfig
from skiprun.config_file import build_config

Sections = dict[str, Any]

DIGITS = {"name": "digits", "batch_size": 128, "augment": {"crop": 1, "flip": True}}
CELLS = {"name": "cells", "batch_size": 2, "image_size": 64}
CHANGES = {"flip": True, "rot90": True, "rotate": 10, "scale": 0.1, "elastic": 4}
CHANGES |= {"jitter": 0.1, "brightness": 0.1, "noise": 0.02}
RESNET8 = {"name": "resnet_cifar", "depth": 8, "width": 4}
UNET = {"name": "unet", "depth": 2, "width": 4}
FADING = {"from": 1.0, "to": 0.0, "epochs": [0, 1]}
DEFAULT = {"model": RESNET8, "data": DIGITS, "schedule": {"steps": 14}}
MASKS = {"model": UNET, "data": CELLS, "schedule": {"steps": 6}}
SUPERVISED = MASKS | {"model": UNET | {"name": "unetplusplus", "deep_supervision": True}}

TRIED = 1  # launches of a trial that is not timed


class Case(NamedTuple):
    """A run.

    Attributes:
        sections: of its config.
        slow: whether `make test` leaves it out.
        free: bytes that are free on the GPU.
        eager_steps: how many steps a graph leaves out, beside those before the capture.
    """

    sections: Sections
    slow: bool = True
    free: int | None = None
    eager_steps: int = 0


def model(**options: Any) -> Sections:
    """Return a section of the small network with other options."""
    return {"model": RESNET8 | options}


def augmented(**options: Any) -> Sections:
    """Return a section of the digits with other augmentations."""
    return {"data": DIGITS | {"augment": options}}


CASES = {
    "resnet20 fp32": Case({"model": {"name": "resnet20"}}),
    "resnet20 bf16": Case(
        {"model": {"name": "resnet20", "width": 4}, "compute": {"precision": "bf16"}}, slow=False
    ),
    "unet": Case(MASKS),
    "unet augmented": Case(MASKS | {"data": CELLS | {"augment": CHANGES}}, slow=False),
    "unetplusplus supervised": Case(SUPERVISED),
    "densenet": Case({"model": {"name": "densenet_cifar", "depth": 10}}),
    "clip norm": Case({"optim": {"clip_norm": 1.0}}),
    "held seeds": Case(
        {"optim": {"clip_norm": 1.0}, "seeds": {"init": 5, "order": 6, "augment": 7, "split": 8}}
    ),
    "clip value, accumulate": Case({"optim": {"clip_value": 0.01, "accumulate": 2}}, slow=False),
    "adamw": Case({"optim": {"name": "adamw", "lr": 0.01}}),
    "adam": Case({"optim": {"name": "adam", "lr": 0.01}}),
    "muon": Case({"optim": {"name": "muon", "lr": 0.01, "nesterov": True}}, slow=False),
    "ema": Case({"optim": {"ema": 0.9}}, slow=False),
    "class weights": Case({"optim": {"class_weights": "balanced", "accumulate": 2}}),
    "label smoothing, cutout, jitter": Case(
        {"optim": {"label_smoothing": 0.1}} | augmented(cutout=2, jitter=0.2)
    ),
    "random resized crop": Case(augmented(random_resized_crop={"scale": [0.25, 1.0]})),
    "rand augment": Case(augmented(rand_augment={"num_ops": 2, "magnitude": 15})),
    "trivial augment, mixup": Case(augmented(trivial_augment=True, mixup=0.2)),
    "mixup": Case(augmented(mixup=0.2)),
    "cutmix": Case(augmented(cutmix=1.0)),
    "stochastic depth": Case(model(connection="stochastic_depth"), slow=False),
    "dropout": Case(model(connection="shortcut_dropout")),
    "highway": Case(model(connection="highway")),
    "rezero": Case(model(connection="rezero")),
    "fading": Case(model(skip_schedule=FADING), slow=False),
    "hooks": Case({"probes": ["grad_norm", "branch_split", "activations"]}, eager_steps=4),
    "activation checkpointing": Case({"compute": {"activation_checkpointing": True}}),
    "frozen": Case(model(freeze=["stem"], backbone_lr=0.1, weights="given")),
    "bf16, accumulate, checkpointing": Case(
        {"optim": {"accumulate": 2}, "compute": {"precision": "bf16", "activation_checkpointing": True}}
    ),
    "bf16, unetplusplus supervised, accumulate, checkpointing, ema": Case(
        SUPERVISED
        | {"compute": {"precision": "bf16", "activation_checkpointing": True}}
        | {"optim": {"accumulate": 2, "ema": 0.9}}
    ),
    "bf16, frozen": Case(
        model(freeze=["stem"], backbone_lr=0.1, weights="given") | {"compute": {"precision": "bf16"}}
    ),
    "bf16, hooks": Case(
        {"probes": ["grad_norm", "branch_split"], "compute": {"precision": "bf16"}}, eager_steps=4
    ),
    "bf16, highway, ema": Case(
        model(connection="highway") | {"optim": {"ema": 0.9}, "compute": {"precision": "bf16"}}
    ),
    "bf16, unetplusplus supervised": Case(SUPERVISED | {"compute": {"precision": "bf16"}}),
    "data larger than the device": Case({}, free=1000),
    "deterministic": Case({"compute": {"deterministic": True}}),
}

# Its kernels of a GPU round otherwise than the loop of a CPU.
RMSPROP = Case({"optim": {"name": "rmsprop", "lr": 0.001}})


def config_of(case: Case, device: str, graph: bool | str = False, given: Path | None = None) -> RunConfig:
    """Return the config of a run on a device.

    Args:
        case: the run.
        device: cpu or cuda.
        graph: whether its steps are captured, or auto.
        given: the run whose weights it starts from, if it starts from given ones.
    """
    sections = DEFAULT | case.sections
    if "weights" in sections["model"]:
        sections["model"] = sections["model"] | {"weights": str(given)}
    compute = {"precision": "fp32", "compile": "off", "threads": 1} | sections.get("compute", {})
    compute |= {"device": device, "cuda_graph": graph}
    return build_config(
        sections | {"name": "run", "compute": compute, "log": {"every": 4, "tensorboard": False}}
    )


def steps_of(case: Case) -> int:
    """Return the length of a run."""
    return int((DEFAULT | case.sections)["schedule"]["steps"])
