"""What the JSON documents of a run directory hold; keys that are not required are missing in older ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # typing's of Python 3.11 is not read by pydantic

State = Literal["finished", "running", "stopped", "diverged", "failed", "unfinished"]
Scores = Mapping[str, float | None]
# Fields of skiprun.data.folders.conversion.Conversion: how files became images.
ConversionRecord = dict[str, Any]


class Status(TypedDict):
    """status.json: how the latest session ended."""

    state: State
    step: NotRequired[int]
    message: NotRequired[str]


class DataRecord(TypedDict, total=False):
    """What a run recorded of its data."""

    root: str | None
    task: str
    train: int
    val: int
    test: int
    num_classes: int
    class_names: list[str]
    image_shape: list[int]
    mean: list[float]
    std: list[float]
    fingerprint: str
    conversion: ConversionRecord | None
    pixels: dict[str, list[int]]


class NamedData(DataRecord):
    """The same with the name of the dataset."""

    name: str


class ScoredData(NamedData):
    """The same with the score by which networks are compared on it."""

    score_name: str
    better: Literal["lower", "higher"]


class Lengthening(TypedDict, total=False):
    """How a run was made longer: its schedule since, and its test scores before."""

    schedule: dict[str, object]
    test: Scores | None


class GPURecord(TypedDict, total=False):
    """The GPU of a run, as far as its driver says.

    Attributes:
        visible: what CUDA_VISIBLE_DEVICES calls it, where that is set.
        memory_bytes, peak_memory_bytes: what it has, and what torch took of it at most.
    """

    visible: str
    name: str
    driver: str
    cuda: str
    cudnn: int
    memory_bytes: int
    peak_memory_bytes: int


class Session(TypedDict, total=False):
    """What a session ran on."""

    time: str
    command: str
    commit: str | None
    skiprun: str
    python: str
    torch: str
    system: str
    device: str
    side_by_side: int
    ranks: int
    cores: list[int]
    gpu: GPURecord
    data: DataRecord
    weights: str
    lengthened: Lengthening


class Environment(TypedDict):
    """environment.json: each session that trained the run, oldest first."""

    sessions: list[Session]


class ModelFacts(TypedDict):
    """The network and its cost for one image."""

    name: str
    family: NotRequired[str]
    connection: NotRequired[str | None]
    parameters: NotRequired[int]
    macs: NotRequired[int]
    layers: NotRequired[int]


class Summary(TypedDict):
    """summary.json: the numbers of a finished run."""

    name: NotRequired[str]
    seed: NotRequired[int]
    config: NotRequired[dict[str, object]]
    model: ModelFacts
    data: ScoredData
    steps: NotRequired[int]
    epochs: NotRequired[float]
    stopped_early: NotRequired[bool]
    batch_size: NotRequired[int]
    precision: NotRequired[str]
    device: NotRequired[str]
    threads: NotRequired[int]
    gpu: NotRequired[GPURecord]
    best: NotRequired[Mapping[str, object]]
    final: NotRequired[Mapping[str, Scores]]
    test: Scores
    test_scored: NotRequired[int]
    metrics_sum: NotRequired[str]
    images_sum: NotRequired[str]
    trivial: NotRequired[Mapping[str, Scores]]
    gradient: NotRequired[Mapping[str, Scores]]
    time: NotRequired[Scores]
