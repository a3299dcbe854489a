"""The schema of a config file: its keys, their types, defaults and meanings.

One file is one experiment. Every key is typed, has a default and a line of meaning; unknown keys are refused; a config
is frozen. This module never imports torch: names of models, datasets and connections are looked up by `experiment`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, StringConstraints

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
MOST_LAYERS = 10_000  # more take hours to build
# Devices of Windows, which no file there can be called, and the folder of comparisons beside the runs.
RESERVED = {"comparisons", "con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
Scalar = bool | int | float | str
# One name is a list of one; YAML reads the key of `{3: none}` as a number.
Names = Annotated[list[str], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)]
# YAML reads 1110 as a number.
Text = Annotated[str, BeforeValidator(lambda given: str(given) if type(given) is int else given)]
Name = Annotated[Text, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
# YAML reads the class names 0 and 1 as numbers.
Labels = Annotated[
    list[str],
    BeforeValidator(
        lambda given: [str(each) if type(each) is int else each for each in given] if isinstance(given, list) else given
    ),
]
SiteMap = Annotated[
    dict[str, str],
    BeforeValidator(
        lambda given: {str(key): name for key, name in given.items()} if isinstance(given, dict) else given
    ),
]


def colour(name: str) -> str:
    """Return a colour that Pillow knows, by name or as #rrggbb; raise ValueError for others."""
    from PIL import ImageColor

    if len(ImageColor.getrgb(name)) > 3:
        raise ValueError("it is transparent itself")
    return name


Colour = Annotated[str, AfterValidator(colour)]


class Role(Enum):
    """What a key of the config decides; each field says it in its annotation, and EXPERIMENT where it says nothing."""

    EXPERIMENT = "what is learned, and from what"
    SEED = "which repetition of the experiment"
    RECORD = "only what is written down, and where"
    EXECUTION = "only where and how it is computed"


class Section(BaseModel):
    """A part of the config: strict types, no unknown keys, no infinities, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class SkipSchedule(Section):
    """A strength that every shortcut is multiplied by, changing linearly between two epochs."""

    start: Annotated[float, Field(ge=0, le=10)] = Field(1.0, alias="from", description="strength before")
    end: Annotated[float, Field(ge=0, le=10)] = Field(0.0, alias="to", description="strength afterwards")
    epochs: list[NonNegative] = Field(min_length=2, max_length=2, description="where the change begins and ends")


class ModelConfig(Section):
    """Which network, with which connection, from which weights; None leaves the choice to the family."""

    name: str = Field(description="an architecture of `skiprun models`")
    connection: str | None = Field(None, description="how x meets f(x) at every site (`skiprun connections`)")
    connection_options: dict[str, Scalar] | None = Field(None, description="options of that connection, such as a bias")
    connections: SiteMap | None = Field(
        None, description='other connections at some sites, counted from 0: {"3,5-9": none}'
    )
    skip_schedule: SkipSchedule | None = Field(None, description="fade the shortcuts in or out while training")
    depth: Count | None = Field(
        None, description="number of weighted layers, for families that take any; of a U-Net: of its skips, 2 to 5"
    )
    width: Count | None = Field(None, description="channels of the first stage")
    shortcut: Literal["A", "A_both", "B", "C"] | None = Field(
        None,
        description="shortcut where shapes change (He 2015): A pads zeros at the end, A_both on both sides, "
        "B projects there, C everywhere",
    )
    stem: Literal["imagenet", "small"] | None = Field(
        None, description="first layers: 7x7 stride 2 and pooling, or one 3x3 for small images"
    )
    norm: Literal["batch", "none", "group", "layer"] | None = Field(None, description="normalization of the layers")
    activation: Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "identity"] | None = Field(
        None, description="nonlinearity of the layers"
    )
    init: Literal["he", "fixup"] | None = Field(
        None, description="first weights: He 2015, or Fixup (Zhang 2019), which needs norm: none"
    )
    up: Literal["transposed", "bilinear"] | None = Field(None, description="how a U-Net doubles the size on its way up")
    skip_levels: Text | None = Field(
        None, description="which long skips a U-Net has, the finest level first: 0111 leaves that one out"
    )
    deep_supervision: bool | None = Field(None, description="give every level of a UNet++ an output that is trained")
    options: dict[str, Scalar] = Field(default_factory=dict, description="what only this family understands")
    weights: Text | None = Field(
        None, description="where training starts: torchvision weights (DEFAULT), a state dict's file, or a run"
    )
    download_weights: Annotated[bool | None, Role.EXECUTION] = Field(
        None, description="may fetch torchvision weights from their official place"
    )
    freeze: Names | None = Field(
        None,
        description="parts that do not learn: backbone (all but the head), stem, stage1 ..., or module paths, with *",
    )
    feature_extract: bool | None = Field(None, description="train a new head on given weights: freeze: backbone")
    backbone_lr: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="factor on the learning rate of all layers but the head"
    )


class AugmentConfig(Section):
    """Random changes of training images, drawn for each on its own; the lambda of mixup and CutMix is one a batch."""

    crop: Annotated[int, Field(ge=0, le=64)] = Field(0, description="pixels of zero padding before a random crop")
    flip: bool = Field(False, description="mirror left and right with probability one half")
    cutout: Annotated[int, Field(ge=0, le=512)] = Field(0, description="side of a blanked square (DeVries 2017)")
    jitter: Fraction = Field(0.0, description="range of brightness, contrast and saturation factors, 1 +- jitter")
    mixup: NonNegative = Field(0.0, description="alpha of mixup (Zhang 2017), one lambda a batch; 0 is off")
    cutmix: NonNegative = Field(0.0, description="alpha of CutMix (Yun 2019), one lambda a batch; 0 is off")
    rot90: bool = Field(False, description="turn by 0, 90, 180 or 270 degrees, image and mask together")
    rotate: Annotated[float, Field(ge=0, le=180)] = Field(0.0, description="largest turn in degrees, with the mask")
    scale: Fraction = Field(0.0, description="range of the size, 1 +- scale, image and mask together")
    elastic: Annotated[float, Field(ge=0, le=64)] = Field(
        0.0, description="elastic deformation with the mask: pixels of standard deviation (Ronneberger 2015: 10)"
    )
    brightness: Fraction = Field(
        0.0, description="range of a brightness factor, 1 +- brightness, for images with masks"
    )
    noise: Fraction = Field(0.0, description="standard deviation of noise on images with masks, white is 1")


class DataConfig(Section):
    """Which images, in which splits."""

    name: str = Field(description="a dataset of `skiprun datasets`")
    root: Annotated[Text | None, Role.EXECUTION] = Field(
        None, description="folder of the images; default: the cache in $SKIPRUN_DATA"
    )
    download: Annotated[bool, Role.EXECUTION] = Field(
        False, description="may fetch the dataset from its official place"
    )
    batch_size: Count = Field(128, description="images a step, over all micro-batches")
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="share of train kept for validation, stratified; unused where the set has its own"
    )
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.2, description="share of a flat folder of classes kept for testing, stratified; unused where there are splits"
    )
    split_seed: Annotated[int, Field(ge=0)] = Field(0, description="seed of the splits that the set does not have")
    image_size: Annotated[int, Field(ge=4, le=4096)] | None = Field(None, description="side in pixels, for folders")
    fit: Literal["crop", "pad", "resize", "tile"] | None = Field(
        None,
        description="how images come to image_size: with labels crop (default), pad or resize; "
        "with masks resize (default) or tile",
    )
    background: Colour = Field("white", description="colour under transparency and beside padded images")
    classes: Labels | None = Field(
        None, description="names of the mask values 0, 1, ...; default: background and object, of masks with two values"
    )
    only_classes: Labels | None = Field(
        None, description="names of the classes to use, of a dataset with labels, such as [0, 1, 2, 3, 4] of digits"
    )
    ignore_index: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="mask value of pixels that neither teach nor count"
    )
    instances: bool = Field(False, description="mask values number the objects: all but 0 are one class, object")
    mask_suffix: str | None = Field(
        None, description="what the name of a mask has more than that of its image: _mask for a.jpg and a_mask.png"
    )
    subject: str | None = Field(
        None,
        description="regular expression that finds, in the paths of images, who or what is shown (its first group, or "
        "all that matches): validation is taken by whole subjects",
    )
    border_weight: NonNegative = Field(
        0.0, description="extra weight in training of pixels between objects, w0 of Ronneberger 2015; the paper has 10"
    )
    skip_bad: bool = Field(False, description="leave images and masks that cannot be used out, and list them")
    augment: AugmentConfig = Field(default_factory=AugmentConfig, description="random changes of training images")


class SegmentationConfig(Section):
    """How masks are learned and scored; other tasks do not look at it."""

    loss: Literal["cross_entropy", "dice", "sum"] = Field("sum", description="cross entropy, 1 - Dice, or both added")
    boundary_tolerance: Annotated[int, Field(ge=0, le=32)] = Field(
        1, description="rows and columns that a boundary pixel may be off to count as found, a square"
    )


class OptimConfig(Section):
    """How a gradient becomes a step."""

    name: Literal["sgd", "adamw"] = Field("sgd", description="the optimizer")
    lr: Positive = Field(0.1, description="peak learning rate")
    momentum: Fraction = Field(0.9, description="of SGD; beta1 of AdamW")
    nesterov: bool = Field(False, description="Nesterov's momentum, of SGD")
    weight_decay: NonNegative = Field(1e-4, description="of SGD an L2 penalty, of AdamW decoupled")
    decay: Literal["all", "weights"] = Field("all", description="decay all parameters as He does, or weights only")
    clip_norm: Positive | None = Field(None, description="largest norm of the whole gradient")
    clip_value: Positive | None = Field(None, description="largest value of any gradient entry")
    accumulate: Count = Field(
        1,
        description="micro-batches a step: the same step in less memory, but batch norm and dropout see one at a time",
    )
    label_smoothing: Fraction = Field(0.0, description="of the training loss; others are plain")
    ema: Annotated[float, Field(gt=0, lt=1)] | None = Field(None, description="decay of a weight average to evaluate")


class Restart(Section):
    """Where a cosine begins again, and from which learning rate."""

    step: Count = Field(description="steps that are done then")
    lr: Positive = Field(description="learning rate of the next step")


class ScheduleConfig(Section):
    """Length of the run and learning rate over it; `warmup` and `milestones` count in the same unit as the length."""

    kind: Literal["cosine", "multistep", "constant"] = Field("cosine", description="the course after the warmup")
    epochs: Positive | None = Field(None, description="length in passes over the training split")
    steps: Count | None = Field(None, description="length in steps")
    warmup: NonNegative = Field(0.0, description="linear rise from nothing at the start")
    milestones: list[Positive] = Field(default_factory=list, description="where multistep lowers the rate")
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(0.1, description="what multistep multiplies by")
    restarts: list[Restart] = Field(
        default_factory=list, description="where the cosine begins again; `skiprun resume --epochs` writes them"
    )

    @property
    def length(self) -> float:
        """Length in the unit that was given."""
        return self.epochs or self.steps or 0.0


class ComputeConfig(Section):
    """Where and how a run is computed, not what it is."""

    device: Annotated[Literal["auto", "cpu", "cuda"], Role.EXECUTION] = Field(
        "auto", description="auto: a GPU where there is one"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 where the processor multiplies it"
    )
    threads: Annotated[int | None, Field(ge=1, le=1024), Role.EXECUTION] = Field(
        None, description="CPU threads; default: one for a small network, else the faster of one and all, by a trial"
    )
    channels_last: Annotated[bool, Role.EXECUTION] = Field(True, description="keep the channels of a pixel together")
    compile: Annotated[Literal["auto", "fused", "on", "off"], Role.EXECUTION] = Field(
        "auto", description="fused: own kernels on a CPU; auto: those, if that pays; on: by torch.compile; off: neither"
    )
    cuda_graph: Annotated[bool, Role.EXECUTION] = Field(
        False, description="on a GPU: launch a training step as one CUDA graph"
    )
    activation_checkpointing: Annotated[bool, Role.EXECUTION] = Field(
        False, description="compute each block's activations twice instead of keeping them"
    )
    deterministic: Annotated[bool, Role.EXECUTION] = Field(
        False, description="on a GPU: repeatable kernels only, at some cost; a CPU always is"
    )


class LogConfig(Section):
    """What is written down, and how often."""

    every: Annotated[Count, Role.RECORD] = Field(10, description="steps between two rows of metrics and probes")
    tensorboard: Annotated[bool, Role.RECORD] = Field(True, description="write TensorBoard's event files as well")


class RunConfig(Section):
    """One experiment."""

    name: Annotated[Name, Role.RECORD] = Field("run", description="directory in runs/; default: the file's name")
    seed: Annotated[int, Field(ge=0, le=2**31), Role.SEED] = Field(0, description="of every random draw of the run")
    model: ModelConfig = Field(description="which network")
    data: DataConfig = Field(description="which images, in which splits")
    segmentation: SegmentationConfig = Field(
        default_factory=SegmentationConfig, description="how masks are learned and scored"
    )
    optim: OptimConfig = Field(default_factory=OptimConfig, description="how a gradient becomes a step")
    schedule: ScheduleConfig = Field(description="length of the run, and learning rate over it")
    compute: ComputeConfig = Field(default_factory=ComputeConfig, description="where and how it is computed")
    probes: Annotated[list[str], Role.RECORD] = Field(
        default_factory=lambda: ["grad_norm"], description="instruments of `skiprun probes`"
    )
    log: LogConfig = Field(default_factory=LogConfig, description="what is written down, and how often")
    _source_locations: dict[str, str] = PrivateAttr(default_factory=dict)

    def place(self, key: str) -> str:
        """Return 'file:line:column key' of a dotted key, as far as the file set it."""
        parts = key.split(".")
        found = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
        mark = next((self._source_locations[part] for part in found if part in self._source_locations), "")
        return f"{mark} {key}".strip()

    @property
    def micro_batch(self) -> int:
        """How many images pass through the network at once in training."""
        return self.data.batch_size // self.optim.accumulate

    def to_dict(self) -> dict[str, Any]:
        """Return the config as plain data, every default filled in."""
        return self.model_dump(mode="json", by_alias=True)

    def replace(self, **sections: Any) -> RunConfig:
        """Return a copy with other values, checked like a file; places in the file are kept."""
        replace = RunConfig.model_validate(self.to_dict() | sections)
        replace._source_locations.update(self._source_locations)
        return replace


def section_at(keys: Sequence[str]) -> type[BaseModel]:
    """Return the section that a list of keys leads to."""
    section: type[BaseModel] = RunConfig
    for key in keys:
        annotation = section.model_fields[key].annotation if key in section.model_fields else None
        # A section that may be left out is a union with None.
        kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        section = next((kind for kind in kinds if issubclass(kind, BaseModel)), section)
    return section


def role_of(key: str) -> Role:
    """Return what a dotted key decides."""
    keys = key.split(".")
    fields = (section_at(keys[:depth]).model_fields.get(name) for depth, name in enumerate(keys))
    marks = (mark for field in fields if field for mark in field.metadata)
    return next((mark for mark in marks if isinstance(mark, Role)), Role.EXPERIMENT)


def contradictions(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for what cannot be trained: pairs of keys that cannot both hold, and values beyond reason.

    What is read from a run directory need not pass: rules have become stricter since it was written.
    """
    if config.name.endswith(".") or config.name.split(".")[0].lower() in RESERVED:
        yield "name", f"found '{config.name}', which means something else to a system, or here; choose another"
    yield from model_contradictions(config.model)
    schedule, optim, data = config.schedule, config.optim, config.data
    if (schedule.epochs is None) == (schedule.steps is None):
        yield "schedule", "found neither or both of epochs and steps; give exactly one"
    elif schedule.warmup >= schedule.length:
        yield "schedule.warmup", f"found {schedule.warmup:g}; it must be shorter than the run of {schedule.length:g}"
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
    if begins and schedule.kind != "cosine":
        yield "schedule.restarts", f"found beside kind {schedule.kind}; only a cosine begins again"
    if begins != sorted(set(begins)):
        yield "schedule.restarts", f"found steps {begins}; they must rise"
    if optim.clip_norm and optim.clip_value:
        yield "optim.clip_value", "found beside optim.clip_norm; clip by one of them"
    if optim.nesterov and (optim.name != "sgd" or not optim.momentum):
        yield "optim.nesterov", "needs optim.name sgd and a momentum above 0"
    if data.batch_size % optim.accumulate:
        yield "optim.accumulate", f"found {optim.accumulate}, which does not divide data.batch_size {data.batch_size}"
    if data.instances and data.classes:
        yield "data.instances", "found beside data.classes; values are numbers of objects, or of classes"
    if problem := pattern_problem(data.subject or ""):
        yield "data.subject", f"found '{data.subject}', which is no regular expression: {problem}"
    if data.augment.mixup and data.augment.cutmix:
        yield "data.augment.cutmix", "found beside data.augment.mixup; use one of them"
    for mixing in ("mixup", "cutmix"):
        alpha = getattr(data.augment, mixing)
        if (
            alpha and not 0.01 <= alpha <= 1000
        ):  # beyond, float32 draws from another distribution than Beta(alpha, alpha)
            yield f"data.augment.{mixing}", f"found {alpha:g}; 0 is off, and from 0.01 to 1000 is allowed"
    compute = config.compute
    if compute.activation_checkpointing and compute.compile in ("on", "fused"):
        found = f"found beside compile: {compute.compile}, which would have to look into checkpointed blocks"
        yield "compute.activation_checkpointing", found
    if len(set(config.probes)) < len(config.probes):
        yield "probes", "names one probe twice"


def pattern_problem(pattern: str) -> str:
    """Say why a text is no regular expression; nothing where it is one."""
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    return ""


def model_contradictions(model: ModelConfig) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for what cannot be built: keys of the model that cannot both hold, and its depth."""
    if model.depth and model.depth > MOST_LAYERS:
        yield "model.depth", f"found {model.depth}; up to {MOST_LAYERS:,} layers are allowed"
    for spec in model.connections or {}:
        if not re.fullmatch(r"\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*", spec.replace(" ", "")):
            yield "model.connections", f"found '{spec}'; sites are numbers and ranges, such as \"3,5-9\""
    if model.skip_schedule and model.skip_schedule.epochs[0] >= model.skip_schedule.epochs[1]:
        yield "model.skip_schedule.epochs", f"found {model.skip_schedule.epochs}; they must rise"
    if model.init == "fixup" and model.norm != "none":
        yield "model.init", "found fixup, which is for networks without normalization; add norm: none"
    if model.feature_extract and model.freeze:
        yield "model.freeze", "found beside model.feature_extract, which is freeze: backbone; give one of them"
    if model.feature_extract and model.weights is None:
        yield "model.feature_extract", "needs model.weights; drawn layers would stay as they are"
