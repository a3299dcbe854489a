"""The schema of a sweep file: a config, what is varied over it, and how many seeds each setting gets."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from skiprun.config.fields import FileSection, Name, Section

MOST_ARMS = 10_000  # a sweep of more is a slip
Values = Annotated[list[Any], Field(min_length=1)]
Bounds = Annotated[list[float], Field(min_length=2, max_length=2)]
Factor = Annotated[float, Field(ge=1.5, le=100)]


class Distribution(Section):
    """From what a key is drawn; a bare list is one of `values`."""

    values: Values | None = Field(
        None, description="one of these, each as often", examples=[["add", "highway"]]
    )
    uniform: Bounds | None = Field(None, description="a number between two", examples=[[0.8, 0.95]])
    log_uniform: Bounds | None = Field(
        None,
        description="a number between two above 0, whose logarithm is uniform",
        examples=[[0.01, 1.0]],
    )

    @model_validator(mode="after")
    def _is_one(self) -> Distribution:
        """Refuse none or several, and bounds between which there is nothing."""
        given = {name: each for name, each in self if each is not None}
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(type(self).model_fields)}")
        low, high = self.uniform or self.log_uniform or (1, 2)
        if not low < high or (self.log_uniform and low <= 0):
            raise ValueError("bounds must rise" + ", from above 0 on" * bool(self.log_uniform))
        return self


Draws = Annotated[
    Distribution,
    BeforeValidator(
        lambda given: {"values": given} if isinstance(given, list) else given,
        json_schema_input_type=Distribution | Values,
    ),
]


class RandomSearch(Section):
    """Settings that are drawn (Bergstra and Bengio 2012)."""

    number: Annotated[int, Field(ge=1, le=MOST_ARMS)] = Field(
        description="of settings; more go on from fewer", examples=[20]
    )
    seed: Annotated[int, Field(ge=0, le=2**31)] = Field(0, description="of the draws", examples=[1])
    over: Annotated[dict[str, Draws], Field(min_length=1)] = Field(
        description="keys of a config, each with what it is drawn from",
        examples=[{"optim.lr": {"log_uniform": [0.01, 1.0]}}],
    )


class Halving(Section):
    """Early stopping of hopeless settings by successive halving (Jamieson and Talwalkar 2016)."""

    factor: Factor = Field(3.0, description="one of so many goes on from each rung; eta of Li et al. 2018")
    rungs: Annotated[int, Field(ge=1, le=10)] = Field(
        2, description="how often is stopped: where 1/factor, 1/factor^2, ... of the run is over"
    )

    @property
    def shares(self) -> list[float]:
        """The share of a run that is over at each rung, the first rung first."""
        return [self.factor**-rung for rung in range(self.rungs, 0, -1)]


class SweepConfig(FileSection):
    """One sweep: a grid of settings, or random ones, each with the same seeds."""

    name: Name | None = Field(
        None, description="directory in runs/sweeps/; default: the name of the file", examples=["rates"]
    )
    config: str = Field(
        description="what is varied: a YAML file, beside this one or packaged; or an architecture, on digits",
        examples=["resnet20"],
    )
    grid: Annotated[dict[str, Values], Field(min_length=1)] | None = Field(
        None,
        description="keys of a config, each with its values: every combination is trained",
        examples=[{"optim.lr": [0.05, 0.1, 0.2], "model.connection": ["none", "add"]}],
    )
    random: RandomSearch | None = Field(None, description="settings that are drawn, in place of a grid")
    seeds: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="of each setting: seeds 0 to so many less one"
    )
    halving: Halving | None = Field(None, description="stop hopeless settings early")

    @property
    def keys(self) -> dict[str, str]:
        """The keys of a config that are varied, each with its own key in the file."""
        if self.grid:
            return {key: f"grid.{key}" for key in self.grid}
        return {key: f"random.over.{key}" for key in (self.random.over if self.random else {})}


def sweep_contradictions(sweep: SweepConfig) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for what cannot be swept."""
    if (sweep.grid is None) == (sweep.random is None):
        found = "neither grid nor random" if sweep.grid is None else "both grid and random"
        yield "grid", f"found {found}; give one of them"
    for key, values in (sweep.grid or {}).items():
        written = [json.dumps(value) for value in values]
        if twice := next((text for text in written if written.count(text) > 1), None):
            yield f"grid.{key}", f"found {twice} twice; every value makes its own runs"
    if (arms := math.prod(map(len, (sweep.grid or {}).values()))) > MOST_ARMS:
        yield "grid", f"found {arms:,} settings; up to {MOST_ARMS:,} are allowed, or give random"
