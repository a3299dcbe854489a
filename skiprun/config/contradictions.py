"""What a config cannot say: keys that cannot both hold, and values beyond reason."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from skiprun.config.data import DataConfig
from skiprun.config.experiment import RunConfig
from skiprun.config.model import ModelConfig

MAX_LAYERS = 10_000  # more take hours to build
# Folders beside the runs; on Windows no file is called like a device, or ends with a dot.
RESERVED = r"^(comparisons|noise|sweeps|con|prn|aux|nul|(com|lpt)[1-9])(\.|$)|\.$"
# Sites of a network: numbers and ranges.
SITES = r"^ *\d{1,6} *(- *\d{1,6} *)?(, *\d{1,6} *(- *\d{1,6} *)?)*$"


def contradictions(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for what cannot be trained: keys that contradict each other, absurd values.

    What is read from a run directory need not pass: rules have become stricter since it was written.
    """
    if re.search(RESERVED, config.name, re.IGNORECASE):
        yield (
            "name",
            f"found '{config.name}', which means something else to a system, or here; choose another",
        )
    yield from model_contradictions(config.model)
    schedule, optim, data = config.schedule, config.optim, config.data
    if (schedule.epochs is None) == (schedule.steps is None):
        found = "neither epochs nor steps" if schedule.epochs is None else "both epochs and steps"
        yield "schedule", f"found {found}; give one of them, the length of the run"
    elif schedule.warmup >= schedule.length:
        yield (
            "schedule.warmup",
            f"found {schedule.warmup:g}; it must be shorter than the run of {schedule.length:g}",
        )
    if schedule.patience and schedule.patience >= (schedule.epochs or math.inf):
        yield (
            "schedule.patience",
            f"found {schedule.patience}; it must be shorter than the run of {schedule.length:g}",
        )
    if schedule.kind == "multistep" and not schedule.milestones:
        yield "schedule.milestones", "found none; multistep needs at least one, such as [100, 150]"
    if schedule.milestones != sorted(set(schedule.milestones)):
        yield "schedule.milestones", f"found {schedule.milestones}; they must rise"
    elif schedule.milestones and schedule.milestones[-1] >= schedule.length > 0:
        yield (
            "schedule.milestones",
            f"found {schedule.milestones[-1]:g}; it must be before the end at {schedule.length:g}",
        )
    begins = [restart.step for restart in schedule.restarts]
    if begins and not schedule.begins_again:
        yield "schedule.restarts", f"found beside kind {schedule.kind}, which goes on and never begins again"
    if schedule.warmup and schedule.kind == "one_cycle":
        yield "schedule.warmup", "found beside kind one_cycle, which rises itself, over schedule.pct_start"
    if begins != sorted(set(begins)):
        yield "schedule.restarts", f"found steps {begins}; they must rise"
    if optim.clip_norm and optim.clip_value:
        yield "optim.clip_value", "found beside optim.clip_norm; clip by one of them"
    if optim.nesterov and (optim.name not in ("sgd", "muon") or not optim.momentum):
        yield "optim.nesterov", "needs optim.name sgd or muon, and a momentum above 0"
    if data.batch_size % optim.accumulate:
        yield (
            "optim.accumulate",
            f"found {optim.accumulate}, which does not divide data.batch_size {data.batch_size}",
        )
    yield from crop_contradictions(data)
    if data.instances and data.classes:
        yield "data.instances", "found beside data.classes; values are numbers of objects, or of classes"
    if problem := pattern_problem(data.subject or ""):
        yield "data.subject", f"found '{data.subject}', which is no regular expression: {problem}"
    if data.augment.rand_augment and data.augment.trivial_augment:
        yield "data.augment.trivial_augment", "found beside data.augment.rand_augment; use one of them"
    if data.augment.mixup and data.augment.cutmix:
        yield "data.augment.cutmix", "found beside data.augment.mixup; use one of them"
    for mixing in ("mixup", "cutmix"):
        alpha = getattr(data.augment, mixing)
        # Beyond, float32 draws from another distribution than Beta(alpha, alpha).
        if alpha and not 0.01 <= alpha <= 1000:
            yield f"data.augment.{mixing}", f"found {alpha:g}; 0 is off, and from 0.01 to 1000 is allowed"
    compute = config.compute
    if compute.activation_checkpointing and compute.compile in ("on", "fused"):
        found = f"found beside compile: {compute.compile}, which would have to look into checkpointed blocks"
        yield "compute.activation_checkpointing", found
    if len(set(config.probes)) < len(config.probes):
        yield "probes", "names one probe twice"


def crop_contradictions(data: DataConfig) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for crops that cannot be made, and for sizes that do not go together."""
    if data.resize_size and data.image_size is None:
        yield "data.resize_size", "found without data.image_size, the side that is cropped from it"
    elif data.resize_size and data.image_size and data.resize_size < data.image_size:
        yield (
            "data.resize_size",
            f"found {data.resize_size}; it must not be less than data.image_size {data.image_size}",
        )
    if (crop := data.augment.random_resized_crop) is None:
        return
    if data.augment.crop:
        yield "data.augment.crop", "found beside data.augment.random_resized_crop; use one of them"
    for key, (least, largest) in (("scale", crop.scale), ("ratio", crop.ratio)):
        if least > largest:
            yield f"data.augment.random_resized_crop.{key}", f"found {[least, largest]}; it must not fall"


def pattern_problem(pattern: str) -> str:
    """Say why a text is no regular expression; nothing where it is one."""
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    return ""


def model_contradictions(model: ModelConfig) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for what cannot be built: contradictions of the model's keys, its depth."""
    if model.depth and model.depth > MAX_LAYERS:
        yield "model.depth", f"found {model.depth}; up to {MAX_LAYERS:,} layers are allowed"
    for spec in model.connections or {}:
        if not re.search(SITES, spec):
            yield "model.connections", f"found '{spec}'; sites are numbers and ranges, such as \"3,5-9\""
    if model.skip_schedule and model.skip_schedule.epochs[0] >= model.skip_schedule.epochs[1]:
        yield "model.skip_schedule.epochs", f"found {model.skip_schedule.epochs}; they must rise"
    if model.init == "fixup" and model.norm != "none":
        yield "model.init", "found fixup, which is for networks without normalization; add norm: none"
    if model.feature_extract and model.freeze:
        yield (
            "model.freeze",
            "found beside model.feature_extract, which is freeze: backbone; give one of them",
        )
    if model.feature_extract and model.weights is None:
        yield "model.feature_extract", "needs model.weights; drawn layers would stay as they are"
