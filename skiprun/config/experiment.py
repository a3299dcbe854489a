"""The whole config of one experiment, and what each of its keys decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from skiprun.config.data import DataConfig, SegmentationConfig
from skiprun.config.fields import FileSection, Name, Names, ProbeName, Role
from skiprun.config.model import ModelConfig
from skiprun.config.schedule import ScheduleConfig
from skiprun.config.seeds import SeedsConfig, Source
from skiprun.config.training import ComputeConfig, LogConfig, OptimConfig


class RunConfig(FileSection):
    """One experiment."""

    name: Annotated[Name, Role.RECORD] = Field(
        "run",
        description="directory in runs/; where a file is silent, its own name",
        examples=["resnet56-slow"],
    )
    imports: Annotated[Names, Role.RECORD] = Field(
        [],
        alias="import",
        description="plug-ins of your own: files beside this one, or installed modules, that register "
        "what is named below",
        examples=[["my_connections.py"]],
    )
    imported: Annotated[dict[str, str], Role.EXPERIMENT] = Field(
        {},
        description="what each plug-in held, as a digest; filled in when a run begins",
        examples=[{"halved.py": "8a679f0e1a67d7a4a8ca702c62761de6"}],
    )
    seed: Annotated[int, Field(ge=0, le=2**31), Role.SEED] = Field(
        0, description="of every random draw of the run that `seeds` does not hold", examples=[1]
    )
    seeds: SeedsConfig = Field(
        default_factory=SeedsConfig, description="which sources of randomness are held, and where"
    )
    model: ModelConfig = Field(description="which network")
    data: DataConfig = Field(description="which images, in which splits")
    segmentation: SegmentationConfig = Field(
        default_factory=SegmentationConfig, description="how masks are learned and scored"
    )
    optim: OptimConfig = Field(default_factory=OptimConfig, description="how a gradient becomes a step")
    schedule: ScheduleConfig = Field(description="length of the run, and learning rate over it")
    compute: ComputeConfig = Field(default_factory=ComputeConfig, description="where and how it is computed")
    probes: Annotated[list[ProbeName], Role.RECORD] = Field(
        ["grad_norm"], description="instruments of `skiprun probes`", examples=[["grad_norm", "weight_norm"]]
    )
    log: LogConfig = Field(default_factory=LogConfig, description="what is written down, and how often")

    @property
    def micro_batch_size(self) -> int:
        """How many images pass through the network at once in training."""
        return self.data.batch_size // self.optim.accumulate

    def seed_of(self, source: Source) -> int:
        """Return the seed of a source of randomness: where it is held, or else that of the run."""
        own: int | None = getattr(self.seeds, source)
        return self.seed if own is None else own

    @property
    def fold(self) -> int:
        """Which of `data.folds` is tested; 0 where there are none."""
        return self.seed % (self.data.folds or 1)

    @property
    def split_seed(self) -> int:
        """The seed of the splits that the dataset does not have: another one when all folds were tested."""
        return self.seeds.split + (self.seed // self.data.folds if self.data.folds else 0)

    def to_dict(self) -> dict[str, Any]:
        """Return the config as plain data, every default filled in."""
        return self.model_dump(mode="json", by_alias=True)

    def replace(self, **sections: Any) -> RunConfig:
        """Return a copy with other values, checked like a file; places in the file are kept."""
        replace = RunConfig.model_validate(self.to_dict() | sections)
        replace._source_locations.update(self._source_locations)
        return replace


def section_at(keys: Sequence[str], whole: type[BaseModel] = RunConfig) -> type[BaseModel]:
    """Return the section of a whole file that a list of keys leads to."""
    section = whole
    for key in keys:
        annotation = section.model_fields[key].annotation if key in section.model_fields else None
        kinds = [kind for kind in _types_within(annotation) if isinstance(kind, type)]
        section = next((kind for kind in kinds if issubclass(kind, BaseModel)), section)
    return section


def _field(section: type[BaseModel], name: str) -> FieldInfo | None:
    """Return the field that a file calls by a name."""
    return next((field for own, field in section.model_fields.items() if name == (field.alias or own)), None)


def _types_within(annotation: object) -> Iterator[object]:
    """Yield a type and what it is made of: a section that may be left out is a union with None."""
    yield annotation
    for part in get_args(annotation):
        yield from _types_within(part)


def role_of(key: str) -> Role:
    """Return what a dotted key decides."""
    keys = key.split(".")
    fields = (_field(section_at(keys[:depth]), name) for depth, name in enumerate(keys))
    marks = (mark for field in fields if field for mark in field.metadata)
    return next((mark for mark in marks if isinstance(mark, Role)), Role.EXPERIMENT)
