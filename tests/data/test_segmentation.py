"""Cells that the program draws, border weights, and images changed together with their masks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from skiprun.config_file import build_config
from skiprun.data import load_data
from skiprun.data.augmentation.mask_augment import MaskAugment
from skiprun.data.borders import closeness, with_borders
from skiprun.data.datasets.cells import SIZES, draw_cells, draw_split
from skiprun.data.loaders import Loaders
from skiprun.errors import OptionError
from tests.support.augmented import augmented

CPU = torch.device("cpu")


def load(split_seed: int = 0, **data: Any) -> Loaders:
    plain = {
        "model": {"name": "unet"},
        "data": {"name": "cells", "batch_size": 8} | data,
        "schedule": {"epochs": 1},
    }
    return load_data(build_config(plain).data, CPU, split_seed=split_seed)


def changed(images: Tensor, masks: Tensor, **changes: Any) -> tuple[Tensor, Tensor]:
    plain = {"name": "cells", "augment": changes}
    config = build_config({"model": {"name": "unet"}, "data": plain, "schedule": {"epochs": 1}}).data.augment
    return augmented(MaskAugment(config, (1, *images.shape[2:]), (0.4,), (0.2,), CPU), images, masks)


def test_cells_have_masks_and_know_their_task() -> None:
    loaders = load()
    images, masks = loaders.train_batch(torch.arange(4))
    assert (loaders.task, loaders.num_classes, loaders.image_shape) == ("segmentation", 2, (1, 64, 64))
    assert [len(split) for split in (loaders.train, loaders.val, loaders.test)] == list(SIZES.values())
    assert images.shape == (4, 1, 64, 64) and masks.shape == (4, 64, 64)
    assert set(masks.unique().tolist()) == {0, 1}
    assert 0.2 < masks.float().mean() < 0.7


def test_cells_are_a_function_of_the_seed_and_the_test_split_is_not() -> None:
    same, other = load(), load(split_seed=1)
    assert same.fingerprint == load().fingerprint != other.fingerprint
    index = torch.arange(8)
    assert torch.equal(same.test.take(index)[0], other.test.take(index)[0])
    assert not torch.equal(same.train.take(index)[0], other.train.take(index)[0])


def test_no_image_is_in_two_splits() -> None:
    images = [each.tobytes() for split in SIZES for each in draw_split(split, 0, 64, False).images[:]]
    assert len(set(images)) == sum(SIZES.values())


def test_touching_cells_are_parted_by_a_wall() -> None:
    from scipy.ndimage import label

    for seed in range(5):
        labels = draw_cells(np.random.default_rng(seed), 64)
        parts, _ = label(labels > 0, np.ones((3, 3)))
        for part in range(1, parts.max() + 1):
            assert len(np.unique(labels[parts == part])) == 1


def test_larger_images_hold_more_cells() -> None:
    small, large = (len(np.unique(draw_cells(np.random.default_rng(0), side))) for side in (64, 128))
    assert large > 3 * small


def test_cells_of_a_silly_size_are_refused() -> None:
    with pytest.raises(OptionError, match="32 to 512"):
        load(image_size=16)


def test_border_weights_are_those_of_the_paper() -> None:
    labels = np.zeros((21, 41), np.int32)
    labels[:, :18], labels[:, 23:] = 1, 2
    weights = closeness(labels)
    # Column 20 is the third of five between the two: 3 pixels from each.
    assert weights[10, 20] == round(255 * np.exp(-(6**2) / (2 * 5**2)))
    assert weights[10, 18] == weights[10, 20]  # the sum of distances is the same everywhere between them
    assert not weights[labels > 0].any()


def test_border_weights_of_a_single_object_are_none() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[5:9, 5:9] = 1
    assert not closeness(labels).any()


def test_border_weights_come_as_a_second_plane() -> None:
    loaders = load(border_weight=10)
    masks = loaders.train.take(torch.arange(3))[1]
    assert masks.shape == (3, 2, 64, 64) and masks[:, 1].max() > 200
    assert torch.equal(masks[:, 0], load().train.take(torch.arange(3))[1])


def test_objects_of_a_mask_are_its_connected_parts() -> None:
    mask = np.zeros((1, 12, 12), np.uint8)
    mask[0, :, :5], mask[0, :, 7:] = 1, 1
    planes = with_borders(mask)
    assert planes.shape == (1, 2, 12, 12) and planes[0, 1, 5, 5] > 0


def tagged(count: int = 64, side: int = 16) -> tuple[Tensor, Tensor]:
    """Return images whose every pixel says where it was, and masks that say the same."""
    places = torch.arange(side * side).view(1, 1, side, side).expand(count, 1, side, side)
    return places.float(), (places[:, 0] % 251).to(torch.uint8)


@pytest.mark.parametrize("changes", [{"flip": True}, {"rot90": True}, {"flip": True, "rot90": True}])
def test_flips_and_turns_move_every_pixel_with_its_mask(changes: dict[str, bool]) -> None:
    images, masks = tagged()
    torch.manual_seed(0)
    moved, followed = changed(images, masks, **changes)
    assert torch.equal(moved[:, 0].long() % 251, followed.long())
    different = {each.numpy().tobytes() for each in moved}
    assert len(different) == {1: 2, 2: 8}[len(changes)] if "flip" in changes else len(different) == 4


def test_turns_are_quarter_turns_and_nothing_else() -> None:
    images, masks = tagged(32)
    torch.manual_seed(0)
    turned = {each.numpy().tobytes() for each in changed(images, masks, rot90=True)[0]}
    assert turned == {torch.rot90(images[0], quarters, (1, 2)).numpy().tobytes() for quarters in range(4)}


@pytest.mark.parametrize("changes", [{"elastic": 3.0}, {"rotate": 30.0}, {"scale": 0.3}, {"crop": 4}])
def test_bending_moves_image_and_mask_alike(changes: dict[str, Any]) -> None:
    """An image that is its own mask stays its own mask, but for the pixels between the two shades."""
    shapes = torch.zeros(16, 64, 64)
    shapes[:, 20:40, 10:30] = 1
    torch.manual_seed(0)
    bent, masks = changed(shapes[:, None], shapes.to(torch.uint8), **changes)
    assert not torch.equal(masks, shapes.to(torch.uint8))
    assert ((bent[:, 0] > 0.5) == masks.bool()).float().mean() > 0.99
    assert set(masks.unique().tolist()) == {0, 1}


def test_a_quarter_turn_by_rotation_is_one_of_pixels() -> None:
    """On an image that is not square a turned square keeps its size."""
    image = torch.zeros(1, 1, 40, 80)
    image[..., 12:28, 32:48] = 1
    torch.manual_seed(3)
    masks = torch.zeros(64, 40, 80, dtype=torch.uint8)
    turned, _ = changed(image.expand(64, 1, 40, 80), masks, rotate=90.0)
    assert (turned[..., 20:60].sum((1, 2, 3)) - 256).abs().max() < 8


def test_brightness_and_noise_leave_the_mask_alone() -> None:
    images, masks = torch.randn(4, 1, 8, 8), torch.randint(2, (4, 8, 8), dtype=torch.uint8)
    torch.manual_seed(0)
    noisy, same = changed(images, masks, brightness=0.3, noise=0.1)
    assert torch.equal(same, masks) and not torch.equal(noisy, images)


def test_brightness_is_a_factor_of_the_light() -> None:
    black = torch.full((8, 1, 4, 4), -0.4 / 0.2)
    still_black, _ = changed(black, torch.zeros(8, 4, 4, dtype=torch.uint8), brightness=0.5)
    assert torch.allclose(still_black, black)


def test_augmentation_is_a_function_of_the_global_seed() -> None:
    loaders = load(augment={"flip": True, "rot90": True, "elastic": 2.0, "noise": 0.05})
    batches = []
    for _ in range(2):
        torch.manual_seed(5)
        batches.append(loaders.train_batch(torch.arange(8)))
    assert all(torch.equal(one, two) for one, two in zip(*batches, strict=True))


def test_planes_of_border_weights_follow_the_mask() -> None:
    loaders = load(border_weight=10, augment={"rot90": True})
    torch.manual_seed(0)
    _, masks = loaders.train_batch(torch.arange(8))
    again = with_borders(masks[:, 0].numpy())[:, 1]
    assert (again == masks[:, 1].numpy()).mean() > 0.9


@pytest.mark.parametrize("key", ["cutout", "mixup", "cutmix"])
def test_what_mixes_labels_is_refused_with_masks(key: str) -> None:
    with pytest.raises(OptionError, match=key):
        load(augment={key: 1})


def test_what_bends_is_refused_with_labels() -> None:
    plain = {"name": "digits", "augment": {"elastic": 2.0}}
    config = build_config({"model": {"name": "resnet20"}, "data": plain, "schedule": {"epochs": 1}}).data
    with pytest.raises(OptionError, match="elastic"):
        load_data(config, CPU)


@pytest.mark.parametrize("given", [{"classes": ["a", "b"]}, {"border_weight": 10.0}])
def test_keys_of_masks_are_refused_with_labels(given: dict[str, Any]) -> None:
    config = build_config(
        {"model": {"name": "resnet20"}, "data": {"name": "digits"} | given, "schedule": {"epochs": 1}}
    )
    with pytest.raises(OptionError, match=r"has no use for; it is for .*mask_folder"):
        load_data(config.data, CPU)


def test_batches_to_evaluate_are_bounded_by_their_pixels() -> None:
    loaders = replace(load(), image_shape=(1, 512, 512))
    assert [len(masks) for _, masks in loaders.batches("val", 500)] == [4] * 12
