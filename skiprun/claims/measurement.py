"""What is done to judge a published claim: networks, drawn or trained, and a study of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainedNetwork:
    """A network of a measurement.

    Attributes:
        name: an architecture, with options behind a colon, as `skiprun compare` takes it.
        overrides: `section.key=value` for what is not the measurement's protocol.
        start: the network whose trained weights of the same seed it starts from.
    """

    name: str
    overrides: tuple[str, ...] = ()
    start: TrainedNetwork | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What is done, with each of some seeds.

    Attributes:
        networks: by the part that they play in the claim; none for a study of its own networks.
        train: whether they are trained; or else they are looked at as they are drawn.
        protocol: the packaged YAML file by which they are, without its ending.
        overrides: `section.key=value` for all of them.
        seeds: how many, from 0.
        study: the study that is made of each network; None where the scores of the runs say enough.
        options: of the study.
        look: how much of the data it looks at, and which weights: fields of `SampleSelection`.
        where: columns of the study's rows with the values that are of interest.
    """

    networks: Mapping[str, TrainedNetwork] = field(default_factory=dict)
    train: bool = False
    protocol: str = "degradation_digits"
    overrides: tuple[str, ...] = ()
    seeds: int = 1
    study: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    look: Mapping[str, object] = field(default_factory=dict)
    where: Mapping[str, object] = field(default_factory=dict)
