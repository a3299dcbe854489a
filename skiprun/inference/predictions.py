"""What is said of an image: its labels, or its mask, or why it cannot be used."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Label(TypedDict):
    """A class of an image, with its probability."""

    label: str
    probability: float


class Prediction(TypedDict):
    """What is said of an image: its labels, or its mask with the share of each class, or what is wrong."""

    file: str
    problem: NotRequired[str]
    label: NotRequired[str]
    probability: NotRequired[float]
    top: NotRequired[list[Label]]
    mask: NotRequired[str]
    overlay: NotRequired[str]
    shares: NotRequired[dict[str, float]]
