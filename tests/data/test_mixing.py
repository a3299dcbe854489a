"""Mixup and CutMix on the device against torchvision's, which draw on the host."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import torch
from torch import Tensor

from skiprun.config import AugmentConfig
from skiprun.data.augmentation.augment import Augment
from skiprun.system.torchvision_repair import torchvision
from tests.support.augmented import augmented

TORCHVISIONS = {"mixup": "MixUp", "cutmix": "CutMix"}
ALPHAS = (0.01, 0.2, 1.0, 8.0, 1000.0)


def batch() -> tuple[Tensor, Tensor]:
    return torch.randn(16, 3, 8, 9), torch.arange(16) % 10


def mixed(images: Tensor, targets: Tensor, **option: Any) -> tuple[Tensor, Tensor]:
    augment = Augment(AugmentConfig(**option), (3, 8, 9), (0, 0, 0), (1, 1, 1), 10, torch.device("cpu"))
    return augmented(augment, images, targets)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("name", TORCHVISIONS)
def test_the_bits_are_those_of_torchvision_from_the_same_seed(name: str, alpha: float) -> None:
    v2 = importlib.import_module(f"{torchvision.__name__}.transforms.v2")
    theirs: Any = getattr(v2, TORCHVISIONS[name])(alpha=alpha, num_classes=10)
    for seed in range(50):
        images, targets = batch()
        torch.manual_seed(seed)
        expected = theirs(images, targets)
        then = torch.get_rng_state()
        torch.manual_seed(seed)
        found = mixed(images, targets, **{name: alpha})
        assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])
        assert torch.equal(torch.get_rng_state(), then), "other draws follow"


@pytest.mark.parametrize("option", [{"mixup": 0.4}, {"cutmix": 1.0}])
def test_mixed_targets_are_shares_of_the_two_images(option: dict[str, Any]) -> None:
    images, targets = batch()
    found, shares = mixed(images, targets, **option)
    assert shares.shape == (16, 10)
    torch.testing.assert_close(shares.sum(1), torch.ones(16))
    own = shares[torch.arange(16), targets]
    expected = images * own[0] + images.roll(1, 0) * (1 - own[0])
    if option == {"mixup": 0.4}:
        torch.testing.assert_close(found, expected)
    else:
        kept = (found == images).all(1).float().mean((1, 2))
        torch.testing.assert_close(kept, own, atol=1e-6, rtol=0)
