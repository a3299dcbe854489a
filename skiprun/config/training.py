"""The sections `optim`, `compute`, `log`: how a gradient becomes a step, where, and what is written down."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from skiprun.config.fields import ClassWeights, Count, Fraction, NonNegative, Positive, Role, Section, Switch


class OptimConfig(Section):
    """How a gradient becomes a step."""

    name: Literal["sgd", "adam", "adamw", "rmsprop", "muon"] = Field(
        "sgd",
        description="the optimizer; muon is for the weights of hidden layers, and takes adamw for the rest",
        examples=["adamw"],
    )
    lr: Positive = Field(0.1, description="peak learning rate")
    momentum: Fraction = Field(0.9, description="of sgd, rmsprop and muon; beta1 of adam and adamw")
    nesterov: bool = Field(False, description="Nesterov's momentum, of sgd and muon")
    weight_decay: NonNegative = Field(
        1e-4, description="of sgd, adam and rmsprop an L2 penalty, of adamw and muon decoupled"
    )
    decay: Literal["all", "weights"] = Field(
        "all", description="decay all parameters as He does, or weights only", examples=["weights"]
    )
    clip_norm: Positive | None = Field(None, description="largest norm of the whole gradient", examples=[5.0])
    clip_value: Positive | None = Field(
        None, description="largest value of any gradient entry", examples=[0.5]
    )
    accumulate: Count = Field(
        1,
        description=(
            "micro-batches a step: the same step in less memory, but batch norm and dropout see one at a time"
        ),
        examples=[4],
    )
    label_smoothing: Fraction = Field(
        0.0, description="of the training loss; others are plain", examples=[0.1]
    )
    class_weights: ClassWeights | None = Field(
        None,
        description="of cross entropy in training, one a class; balanced: inverse to how often each occurs",
        examples=["balanced"],
    )
    ema: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="decay of a weight average to evaluate", examples=[0.999]
    )


class ComputeConfig(Section):
    """Where and how a run is computed, not what it is."""

    device: Annotated[Literal["auto", "cpu", "cuda"], Role.EXECUTION] = Field(
        "auto", description="auto: a GPU where there is one", examples=["cuda"]
    )
    precision: Literal["auto", "fp32", "tf32", "bf16"] = Field(
        "auto",
        description="auto: bf16 where the processor multiplies it; tf32 is for GPUs",
        examples=["fp32"],
    )
    threads: Annotated[int | None, Field(ge=1, le=1024), Role.EXECUTION] = Field(
        None,
        description=(
            "CPU threads; default: one for a small network, else the faster of one and all, by a trial"
        ),
        examples=[2],
    )
    channels_last: Annotated[bool, Role.EXECUTION] = Field(
        True, description="keep the channels of a pixel together"
    )
    compile: Annotated[Literal["auto", "fused", "on", "off"], Role.EXECUTION] = Field(
        "auto",
        description=(
            "fused: own kernels on a CPU; auto: those, if that pays; on: by torch.compile; off: neither; "
            "auto on a GPU: torch.compile in the CUDA graph of a long run, if it computes the same and pays"
        ),
        examples=["off"],
    )
    cuda_graph: Annotated[Switch, Role.EXECUTION] = Field(
        "auto",
        description=(
            "on a GPU: launch a step as one CUDA graph, if that computes the same; auto: in a run of over "
            "200 steps, if it is faster, too"
        ),
        examples=[False],
    )
    activation_checkpointing: Annotated[bool, Role.EXECUTION] = Field(
        False, description="compute each block's activations twice instead of keeping them"
    )
    sync_batch_norm: Annotated[bool, Role.EXECUTION] = Field(
        True,
        description="with several ranks: batch norm over the images of all, as one process would compute it",
    )
    overlap: Annotated[bool, Role.EXECUTION] = Field(
        False,
        description="with several ranks: sum gradients while the backward pass goes on; for large networks",
    )
    deterministic: Annotated[bool, Role.EXECUTION] = Field(
        False, description="on a GPU: repeatable kernels only, at some cost; a CPU always is"
    )


class LogConfig(Section):
    """What is written down, and how often."""

    every: Annotated[Count, Role.RECORD] = Field(
        10, description="steps between two rows of metrics and probes", examples=[100]
    )
    tensorboard: Annotated[bool, Role.RECORD] = Field(
        True, description="write TensorBoard's event files as well"
    )
    layers: Annotated[Literal["few", "all"], Role.RECORD] = Field(
        "few",
        description="the layers whose values TensorBoard draws as lines: eight over the depth, or all; "
        "metrics.jsonl and the depth images have all",
        examples=["all"],
    )
