"""The width at which a network has a given size is found exactly, and in few looks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from skiprun.config import ModelConfig
from skiprun.models import build_from_config
from skiprun.models.complexity.meta import without_content
from skiprun.models.complexity.width import Width, around, nearest, width_of, with_width

SIZES: dict[str, Callable[[int], float]] = {
    "square": lambda width: width * width,
    "plateaus": lambda width: (width // 5) ** 2,
    "multiples of 8": lambda width: math.nan if width % 8 else width**2,
    "up to 90": lambda width: math.nan if width > 90 else width**2,
    "from 7 on": lambda width: math.nan if width < 7 else 3 * width,
}


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("start", [16, 40])
def test_no_other_width_comes_nearer(kind: str, start: int) -> None:
    size = SIZES[kind]
    there = [width for width in range(1, 7000) if not math.isnan(size(width))]
    for target in (1, 2, 20, 50, 63, 64, 65, 255, 256, 257, 800, 1600, 3000, 7000, 8100, 20000):
        found = nearest(size, start, target)
        assert abs(size(found) - target) == min(abs(size(width) - target) for width in there)
        below, above = around(size, start, target)
        assert below == max((width for width in there if size(width) <= target), default=None)
        assert above == min((width for width in there if size(width) > target), default=None)


def test_a_width_is_found_in_few_looks() -> None:
    looked = set()

    def size(width: int) -> float:
        looked.add(width)
        return float(width) ** 2

    assert nearest(size, 16, 123_456**2) == 123_456
    assert len(looked) < 32


@pytest.mark.parametrize(
    ("name", "options", "key", "value", "step"),
    [
        ("resnet20", {}, "width", 16, 1 / 8),
        ("resnet20", {"width": 9}, "width", 9, 1 / 16),
        ("wrn_cifar", {"options": {"widen": 2}}, "options.widen", 2, 1 / 64),
        ("densenet_cifar", {}, "options.growth", 12, 1),
        ("mobilenet_v1", {}, "options.alpha", 1, 1 / 128),
    ],
)
def test_a_family_says_what_its_channels_grow_with(
    name: str, options: dict[str, Any], key: str, value: float, step: float
) -> None:
    config = ModelConfig(name=name, **options)
    assert width_of(config) == Width(key, value, step)
    wider = with_width(config, key, 2 * value)
    found = width_of(wider)
    assert found and found.value == 2 * value
    with without_content():
        counts = [
            sum(weight.numel() for weight in build_from_config(each).parameters()) for each in (config, wider)
        ]
    assert counts[1] > 2 * counts[0]


@pytest.mark.parametrize("name", ["wrn16_4", "densenet40_12", "resnext29_1x64d", "resnet18", "vgg11"])
def test_what_a_name_decides_or_a_family_lacks_is_no_width(name: str) -> None:
    assert width_of(ModelConfig(name=name)) is None
