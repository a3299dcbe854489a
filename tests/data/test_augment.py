"""Whole-batch augmentation against one image at a time, and against torchvision."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, memory_format
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map_only

from skiprun.config import AugmentConfig
from skiprun.data.augmentation.augment import Augment, check_augmentation
from skiprun.data.augmentation.crops import CropAndFlip, cutout
from skiprun.data.augmentation.jitter import jitter
from skiprun.errors import OptionError
from skiprun.system.torchvision_repair import torchvision
from tests.support.augmented import augmented

CPU = torch.device("cpu")
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
EVERYTHING: dict[str, Any] = {"crop": 2, "flip": True, "cutout": 3, "jitter": 0.4}


def batch(count: int = 16, channels: int = 3, height: int = 8, width: int = 9) -> tuple[Tensor, Tensor]:
    return torch.randn(count, channels, height, width), torch.arange(count) % 10


def changed(images: Tensor, targets: Tensor, seed: int = 0, **options: Any) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    return augmented(augment_for(images, **options), images, targets)


def augment_for(images: Tensor, **options: Any) -> Augment:
    _, channels, height, width = images.shape
    shape = channels, height, width
    return Augment(AugmentConfig(**options), shape, MEAN[:channels], STD[:channels], 10, CPU)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("padding", [0, 1, 4])
def test_crop_and_flip_equal_one_image_at_a_time(channels: int, padding: int) -> None:
    images, _ = batch(channels=channels)
    top, left = torch.randint(2 * padding + 1, (2, 16))
    mirrored = torch.rand(16) < 0.5
    found = CropAndFlip((channels, 8, 9), padding, CPU)(images, top, left, mirrored)
    for number in range(16):
        padded = np.pad(images[number].numpy(), [(0, 0), (padding, padding), (padding, padding)])
        expected = padded[:, top[number] : top[number] + 8, left[number] : left[number] + 9]
        expected = expected[..., ::-1] if mirrored[number] else expected
        assert np.array_equal(found[number].numpy(), expected)


def test_batch_equals_the_reference_for_the_draws_of_the_same_seed() -> None:
    images, targets = batch()
    found, same_targets = changed(images, targets, seed=7, crop=2, flip=True)
    torch.manual_seed(7)
    top, left = torch.randint(5, (2, 16))
    mirrored = torch.rand(16) < 0.5
    assert torch.equal(found, CropAndFlip((3, 8, 9), 2, CPU)(images, top, left, mirrored))
    assert torch.equal(same_targets, targets)


def test_padding_is_the_zero_of_normalized_images() -> None:
    found, _ = changed(torch.ones(64, 3, 8, 8), torch.zeros(64), crop=4)
    assert set(found.unique().tolist()) == {0.0, 1.0}


def test_every_place_and_both_sides_are_drawn() -> None:
    marked = torch.zeros(2000, 1, 5, 5)
    marked[:, 0, 2, 1] = 1
    found, _ = changed(marked, torch.zeros(2000), crop=1, flip=True)
    places = {tuple(place) for place in found.nonzero()[:, 2:].tolist()}
    assert places == {(row, column) for row in (1, 2, 3) for column in (0, 1, 2, 3, 4)}
    only_flipped, _ = changed(marked, torch.zeros(2000), flip=True)
    assert 900 < only_flipped[:, 0, 2, 3].sum() < 1100


@pytest.mark.parametrize("side", [1, 2, 5])
def test_cutout_equals_one_image_at_a_time(side: int) -> None:
    images, _ = batch()
    rows, columns = torch.randint(8, (16,)), torch.randint(9, (16,))
    found = cutout(images, rows, columns, side)
    for number in range(16):
        expected = images[number].clone()
        first_row, first_column = int(rows[number]) - side // 2, int(columns[number]) - side // 2
        down, right = (
            slice(max(0, first_row), first_row + side),
            slice(max(0, first_column), first_column + side),
        )
        expected[:, down, right] = 0
        assert torch.equal(found[number], expected)


def test_jitter_equals_torchvisions_functions_one_image_at_a_time() -> None:
    import importlib

    functional = importlib.import_module(f"{torchvision.__name__}.transforms.v2.functional")
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    images = torch.rand(16, 3, 8, 9)
    factors = 0.5 + torch.rand(16, 3)
    found = jitter((images - mean) / std, factors, mean, std) * std + mean
    for number in range(16):
        expected = images[number]
        for name, factor in zip(
            ("brightness", "contrast", "saturation"), factors[number].tolist(), strict=True
        ):
            expected = getattr(functional, f"adjust_{name}")(expected, factor)
        torch.testing.assert_close(found[number], expected, atol=1e-5, rtol=0)


def test_jitter_of_a_grey_image_keeps_it_grey() -> None:
    grey = torch.rand(16, 1, 8, 9).expand(16, 3, 8, 9)
    mean, std = torch.full((3, 1, 1), 0.5), torch.full((3, 1, 1), 0.2)
    found = jitter((grey - mean) / std, 0.5 + torch.rand(16, 3), mean, std)
    torch.testing.assert_close(found[:, 0], found[:, 1], atol=1e-5, rtol=0)


def test_jitter_draws_factors_as_far_from_one_as_the_config_says() -> None:
    """In an image of two greys, the mean tells the brightness, the distance over the mean the contrast."""
    images = torch.tensor([0.4, 0.5]).view(1, 1, 1, 2).repeat(4000, 1, 2, 1)
    augment = Augment(AugmentConfig(jitter=0.4), (1, 2, 2), [0.0], [1.0], 10, CPU)
    torch.manual_seed(0)
    found, _ = augmented(augment, images, torch.zeros(4000))
    dark, light = found[:, 0, 0].T
    brightness, contrast = (dark + light) / 0.9, 9 * (light - dark) / (light + dark)
    for factor in (brightness, contrast):
        assert 0.6 - 1e-4 < factor.min() < 0.61 and 1.39 < factor.max() < 1.4 + 1e-4
        assert factor.mean().item() == pytest.approx(1, abs=0.02)
    assert abs(torch.corrcoef(torch.stack([brightness, contrast]))[0, 1]) < 0.1, "each has its own draw"


@pytest.mark.parametrize("option", [{"crop": 2}, {"flip": True}, {"cutout": 3}, {"jitter": 0.4}])
def test_each_image_has_its_own_draw(option: dict[str, Any]) -> None:
    one = torch.randn(1, 3, 8, 8)
    found, _ = changed(one.expand(32, 3, 8, 8).contiguous(), torch.zeros(32), **option)
    assert len({tuple(image.flatten().tolist()) for image in found}) > 1


@pytest.mark.parametrize("option", [EVERYTHING, {"mixup": 0.4}, {"cutmix": 1.0}])
def test_same_global_seed_same_batch(option: dict[str, Any]) -> None:
    images, targets = batch()
    first, again, other = (changed(images, targets, seed, **option)[0] for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("option", [{"crop": 2}, EVERYTHING, {"mixup": 0.4}, {"cutmix": 1.0}])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_memory_layout_shape_and_type_stay(option: dict[str, Any], layout: memory_format) -> None:
    images, targets = batch()
    found, _ = changed(images.contiguous(memory_format=layout), targets, **option)
    assert found.is_contiguous(memory_format=layout)
    assert found.shape == images.shape and found.dtype == torch.float32


def test_input_is_left_as_it_was() -> None:
    images, targets = batch()
    before = images.clone()
    changed(images, targets, **EVERYTHING)
    assert torch.equal(images, before)


def test_nothing_asked_nothing_changed() -> None:
    images, targets = batch()
    found, _ = changed(images, targets)
    assert torch.equal(found, images)


@pytest.mark.parametrize("mixing", [{}, {"mixup": 0.4}, {"cutmix": 1.0}])
def test_nothing_is_read_back_from_the_device(mixing: dict[str, float]) -> None:
    """Fake tensors have no values, so a shape or a branch that depended on one would fail here."""
    augment = augment_for(batch()[0], **EVERYTHING, **mixing)
    with FakeTensorMode(allow_non_fake_inputs=True):
        images, targets = batch()
        found, _ = augmented(augment, images, targets)
        assert found.shape == images.shape


def test_a_part_of_the_batch_is_changed_by_its_part_of_the_draws() -> None:
    images, targets = batch()
    augment = augment_for(images, **EVERYTHING)
    draws = augment.draw(16)
    whole, _ = augment.apply(images, targets, draws)
    part, _ = augment.apply(images[4:8], targets[4:8], tree_map_only(Tensor, lambda each: each[4:8], draws))
    assert torch.equal(part, whole[4:8])


@pytest.mark.parametrize("option", [EVERYTHING, {"mixup": 0.4}, {"cutmix": 1.0}])
def test_what_is_drawn_is_drawn_before_it_is_applied(option: dict[str, Any]) -> None:
    images, targets = batch()
    augment = augment_for(images, **option)
    draws = augment.draw(16)
    before = torch.get_rng_state()
    first, again = (augment.apply(images, targets, draws) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])


@pytest.mark.parametrize(("key", "value"), [("crop", 8), ("cutout", 9)])
def test_changes_larger_than_the_image_are_refused_by_key(key: str, value: int) -> None:
    with pytest.raises(
        OptionError, match=rf"augment.{key}: found {value}; images of 8 pixels allow at most 7"
    ):
        check_augmentation(AugmentConfig.model_validate({key: value}), (1, 8, 20))
