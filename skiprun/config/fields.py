"""Types of the keys of a config, and what a key decides."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from typing_extensions import TypeAliasType

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
# Channels of the first stage; a whole number stays one in what is written.
Width = Annotated[
    float,
    Field(ge=1, le=10**9),
    PlainSerializer(lambda width: int(width) if width == int(width) else width),
    WithJsonSchema({"type": "number", "minimum": 1, "maximum": 10**9}),
]
Scalar = bool | int | float | str
# Words that the registries know, which a schema for editors lists; see `file_schema`.
SOURCES = ("timm",)  # other packages of architectures, whose names stand behind theirs: timm:resnet18
ModelName = TypeAliasType("ModelName", str)
ConnectionName = TypeAliasType("ConnectionName", str)
DatasetName = TypeAliasType("DatasetName", str)
ProbeName = TypeAliasType("ProbeName", str)
# What stands behind `json_schema_input_type` is what a file may say, and is brought to the type in front.
# One name is a list of one.
Names = Annotated[
    list[str],
    BeforeValidator(
        lambda given: [given] if isinstance(given, str) else given, json_schema_input_type=list[str] | str
    ),
]


def as_text(given: object) -> object:
    """Return a whole number as text: YAML reads 1110 as a number."""
    return str(given) if type(given) is int else given


Text = Annotated[str, BeforeValidator(as_text, json_schema_input_type=str | int)]
# A number is no answer, though 1 equals True.
Switch = Annotated[
    Literal["auto", True, False],
    BeforeValidator(lambda given: str(given) if type(given) in (int, float) else given),
]


def as_class_weights(given: object, check: ValidatorFunctionWrapHandler) -> object:
    """Return weights of classes as they are; refuse others once, not once for each thing allowed."""
    try:
        return check(given)
    except ValidationError:
        raise ValueError("give balanced, or a list of numbers above 0, one a class") from None


ClassWeights = Annotated[Literal["balanced"] | list[Positive], WrapValidator(as_class_weights)]
LONGEST_NAME = 64  # characters
FileName = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}$")]
Name = Annotated[
    FileName, BeforeValidator(as_text, json_schema_input_type=FileName | Annotated[int, Field(ge=0)])
]
# YAML reads the class names 0 and 1 as numbers.
Labels = Annotated[
    list[str],
    BeforeValidator(
        lambda given: [as_text(each) for each in given] if isinstance(given, list) else given,
        json_schema_input_type=list[str | int],
    ),
]
# YAML reads the key of `{3: none}` as a number.
SiteMap = Annotated[
    dict[str, ConnectionName],
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
    """What a key of the config decides; a field says it in its annotation, or is EXPERIMENT."""

    EXPERIMENT = "what is learned, and from what"
    SEED = "which repetition of the experiment"
    RECORD = "only what is written down, and where"
    EXECUTION = "only where and how it is computed"


class Section(BaseModel):
    """A part of the config: strict types, no unknown keys, no infinities, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class FileSection(Section):
    """What a whole file says, and where in it each key stands."""

    _source_locations: dict[str, str] = PrivateAttr(default_factory=dict)

    def place(self, key: str) -> str:
        """Return 'file:line:column key' of a dotted key, as far as the file set it."""
        parts = key.split(".")
        found = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
        mark = next((self._source_locations[part] for part in found if part in self._source_locations), "")
        return f"{mark} {key}".strip()
