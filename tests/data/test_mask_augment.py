"""How far images with masks are moved: an image of its own coordinates tells where each pixel came from."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from skiprun.config import AugmentConfig
from skiprun.data.augmentation.mask_augment import MaskAugment
from tests.support.augmented import augmented

CPU = torch.device("cpu")
HEIGHT, WIDTH, COUNT = 33, 65, 2000
EVERYTHING: dict[str, Any] = {
    "flip": True,
    "rot90": True,
    "rotate": 10,
    "scale": 0.1,
    "crop": 1,
    "elastic": 2,
}
EVERYTHING |= {"jitter": 0.1, "brightness": 0.1, "noise": 0.1}
MIDDLE = torch.tensor([32.0, 16.0])  # x and y


def sources(**changes: Any) -> Tensor:
    """Return the x and y that each pixel came from, [COUNT, 2, HEIGHT, WIDTH], reflected beyond the edge."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    images = torch.stack([x, y]).float().expand(COUNT, 2, HEIGHT, WIDTH)
    torch.manual_seed(0)
    augment = MaskAugment(AugmentConfig(**changes), (2, HEIGHT, WIDTH), (0.0, 0.0), (1.0, 1.0), CPU)
    return augmented(augment, images, torch.zeros(COUNT, HEIGHT, WIDTH, dtype=torch.uint8))[0]


def steps(found: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far apart, x and y, the sources of the middle's neighbours are: to the right, and below."""
    middle = found[:, :, 16, 32]
    return found[:, :, 16, 33] - middle, found[:, :, 17, 32] - middle


def test_a_crop_shifts_by_up_to_so_many_pixels_each_way() -> None:
    shift = sources(crop=3)[:, :, 16, 32] - MIDDLE
    assert shift.abs().max() <= 3 + 1e-4
    assert (shift.min(0).values < -2.97).all() and (shift.max(0).values > 2.97).all()
    assert abs(torch.corrcoef(shift.T)[0, 1]) < 0.1


def test_a_scale_of_a_quarter_is_three_quarters_to_five_quarters() -> None:
    right, below = steps(sources(scale=0.25))
    assert torch.allclose(right[:, 0], below[:, 1], atol=1e-4) and right[:, 1].abs().max() < 1e-4
    size = 1 / right[:, 0]
    assert 0.75 - 1e-3 < size.min() < 0.76 and 1.24 < size.max() < 1.25 + 1e-3


def test_a_rotation_is_by_up_to_so_many_degrees_of_pixels() -> None:
    right, below = steps(sources(rotate=30))
    assert torch.allclose(right.norm(dim=1), torch.ones(COUNT), atol=1e-4)
    assert torch.allclose((right * below).sum(1), torch.zeros(COUNT), atol=1e-4)
    angle = torch.atan2(right[:, 1], right[:, 0]).rad2deg()
    assert -30.01 < angle.min() < -29.5 and 29.5 < angle.max() < 30.01


def test_elastic_is_the_spread_of_the_shifts_in_pixels_at_three_by_three_places() -> None:
    """Ronneberger et al. 2015 draw them at 3x3 places: the middle of the image is one, as its corners are."""
    shift = sources(elastic=2.0)[:, :, 16, 32] - MIDDLE
    assert shift.std(0).tolist() == pytest.approx([2, 2], rel=0.05)
    assert shift.mean(0).tolist() == pytest.approx([0, 0], abs=0.2)


def test_brightness_is_one_factor_an_image_within_its_range() -> None:
    torch.manual_seed(0)
    augment = MaskAugment(AugmentConfig(brightness=0.3), (1, 4, 4), (0.5,), (0.2,), CPU)
    found, _ = augmented(augment, torch.zeros(COUNT, 1, 4, 4), torch.zeros(COUNT, 4, 4, dtype=torch.uint8))
    factors = (found * 0.2 + 0.5) / 0.5
    assert torch.allclose(factors, factors[:, :, :1, :1].expand_as(factors), atol=1e-5)
    assert 0.7 - 1e-4 < factors.min() < 0.705 and 1.295 < factors.max() < 1.3 + 1e-4


def test_noise_has_the_spread_of_the_light() -> None:
    torch.manual_seed(0)
    augment = MaskAugment(AugmentConfig(noise=0.1), (1, 4, 4), (0.5,), (0.2,), CPU)
    found, _ = augmented(augment, torch.zeros(COUNT, 1, 4, 4), torch.zeros(COUNT, 4, 4, dtype=torch.uint8))
    assert (found * 0.2).std().item() == pytest.approx(0.1, rel=0.02)


def test_what_is_drawn_is_drawn_before_it_is_applied() -> None:
    images, masks = torch.randn(8, 3, 16, 16), torch.randint(2, (8, 16, 16), dtype=torch.uint8)
    augment = MaskAugment(AugmentConfig(**EVERYTHING), (3, 16, 16), (0.5,) * 3, (0.2,) * 3, CPU)
    draws = augment.draw(8)
    before = torch.get_rng_state()
    first, again = (augment.apply(images, masks, draws) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])


def test_a_part_of_the_batch_is_changed_by_its_part_of_the_draws() -> None:
    images, masks = torch.randn(8, 3, 16, 16), torch.randint(2, (8, 16, 16), dtype=torch.uint8)
    augment = MaskAugment(AugmentConfig(**EVERYTHING), (3, 16, 16), (0.5,) * 3, (0.2,) * 3, CPU)
    draws = augment.draw(8)
    whole = augment.apply(images, masks, draws)
    part = augment.apply(images[2:4], masks[2:4], tree_map_only(Tensor, lambda each: each[2:4], draws))
    assert torch.equal(part[0], whole[0][2:4]) and torch.equal(part[1], whole[1][2:4])
