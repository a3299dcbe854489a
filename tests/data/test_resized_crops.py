"""Random resized crops against torchvision's, and the middle that is scored."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from skiprun.config import AugmentConfig, DataConfig, RandomResizedCropConfig
from skiprun.data import Loaders, load_data
from skiprun.data.augmentation.augment import Augment
from skiprun.data.augmentation.resized_crops import Box, center_crop, draw_boxes, largest_box, resized_crop
from skiprun.errors import OptionError
from skiprun.experiment.data_record import describe_data
from skiprun.inference.network_input import read_normalized
from skiprun.system.torchvision_repair import torchvision
from tests.support.augmented import augmented
from tests.support.data_files import image_folder

CPU = torch.device("cpu")
transforms = importlib.import_module(f"{torchvision.__name__}.transforms.v2")
functional = importlib.import_module(f"{torchvision.__name__}.transforms.v2.functional")


def test_resized_crops_are_those_of_torchvision_with_antialiasing() -> None:
    images = torch.rand(64, 3, 40, 56)
    torch.manual_seed(0)
    boxes = draw_boxes(RandomResizedCropConfig(), 64, 40, 56, CPU)
    found = resized_crop(images, boxes, 16, 24)
    for number in range(64):
        top, left, height, width = (int(each[number]) for each in boxes)
        expected = functional.resized_crop(images[number], top, left, height, width, [16, 24], antialias=True)
        torch.testing.assert_close(found[number], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [1, 5, 32])
def test_a_whole_image_and_a_single_pixel_are_resized_as_by_torchvision(side: int) -> None:
    image = torch.rand(1, 3, 32, 32)
    box = Box(*(torch.tensor([each]) for each in (0, 0, side, side)))
    expected = functional.resized_crop(image, 0, 0, side, side, [8, 8], antialias=True)
    torch.testing.assert_close(resized_crop(image, box, 8, 8), expected, atol=1e-5, rtol=0)


def test_boxes_are_distributed_as_those_of_torchvision() -> None:
    """The means and the spreads of both agree within four standard errors of 4,000 draws."""
    torch.manual_seed(0)
    ours = torch.stack(draw_boxes(RandomResizedCropConfig(), 4000, 48, 64, CPU)).double()
    image, crop = torch.empty(3, 48, 64), transforms.RandomResizedCrop(224)
    theirs = (
        torch.tensor(
            [
                [each[key] for key in ("top", "left", "height", "width")]
                for each in (crop.make_params([image]) for _ in range(4000))
            ]
        )
        .double()
        .T
    )
    standard_error = theirs.std(1) / 4000**0.5
    assert ((ours.mean(1) - theirs.mean(1)).abs() < 4 * 2**0.5 * standard_error).all()
    assert ((ours.std(1) / theirs.std(1) - 1).abs() < 0.06).all()


def test_boxes_lie_in_the_image_and_have_the_area_and_the_ratio_of_the_config() -> None:
    config = RandomResizedCropConfig(scale=[0.2, 0.5], ratio=[0.5, 2.0])
    top, left, height, width = draw_boxes(config, 5000, 200, 300, CPU)
    assert (top >= 0).all() and (left >= 0).all()
    assert (top + height <= 200).all() and (left + width <= 300).all()
    share, ratio = height * width / 60_000, width / height
    assert 0.195 < share.min() < 0.21 and 0.49 < share.max() < 0.505
    assert 0.49 < ratio.min() < 0.55 and 1.8 < ratio.max() < 2.03


def test_where_no_box_fits_the_middle_is_taken_as_torchvision_does() -> None:
    config = RandomResizedCropConfig(scale=[1.0, 1.0], ratio=[0.75, 4 / 3])
    boxes = draw_boxes(config, 3, 20, 100, CPU)
    assert [each.tolist() for each in boxes] == [[0] * 3, [36] * 3, [20] * 3, [27] * 3]
    assert largest_box(100, 20, 0.75, 4 / 3) == (27, 20)
    crop = transforms.RandomResizedCrop(8, scale=(1.0, 1.0)).make_params([torch.empty(3, 20, 100)])
    assert [crop[key] for key in ("top", "left", "height", "width")] == [0, 36, 20, 27]


@pytest.mark.parametrize(("had", "wanted"), [((9, 8), (4, 5)), ((256, 256), (224, 224)), ((8, 8), (8, 8))])
def test_the_middle_is_that_of_torchvision(had: tuple[int, int], wanted: tuple[int, int]) -> None:
    image = torch.rand(3, *had)
    assert torch.equal(center_crop(image, *wanted), functional.center_crop(image, list(wanted)))


def test_a_batch_comes_out_in_its_own_size_and_layout_and_no_value_is_read_back() -> None:
    config = AugmentConfig(random_resized_crop=RandomResizedCropConfig(), flip=True, cutout=3, jitter=0.2)
    augment = Augment(config, (3, 8, 8), [0.5] * 3, [0.2] * 3, 10, CPU, (12, 12))
    with FakeTensorMode(allow_non_fake_inputs=True):
        images = torch.randn(4, 3, 12, 12).contiguous(memory_format=torch.channels_last)
        found, _ = augmented(augment, images, torch.zeros(4))
        assert found.shape == (4, 3, 8, 8) and found.is_contiguous(memory_format=torch.channels_last)


def load(root: Path, **options: Any) -> Loaders:
    return load_data(DataConfig(name="image_folder", root=str(root), batch_size=4, **options), CPU)


def test_training_crops_and_scores_the_middle_of_images_of_resize_size(tmp_path: Path) -> None:
    image_folder(tmp_path, size=(16, 16))
    sizes = {"image_size": 8, "resize_size": 12}
    loaders = load(tmp_path, **sizes, augment={"random_resized_crop": {}})
    assert loaders.image_shape == (3, 8, 8) and loaders.train.take(torch.arange(2))[0].shape == (2, 3, 12, 12)
    torch.manual_seed(0)
    first, again = (loaders.train_batch(torch.tensor([0, 0]))[0] for _ in range(2))
    assert (
        first.shape == (2, 3, 8, 8) and not torch.equal(first, again) and not torch.equal(first[0], first[1])
    )
    stored = loaders.test.take(torch.arange(4))[0]
    scored = next(iter(loaders.batches("test", 4)))[0]
    assert torch.equal(scored, loaders.normalize(stored[..., 2:10, 2:10]))
    plain = load(tmp_path, **sizes)
    middle = plain.normalize(plain.train.take(torch.arange(2))[0][..., 2:10, 2:10])
    assert torch.equal(plain.train_batch(torch.arange(2))[0], middle)


def test_a_prediction_sees_the_middle_that_was_scored(tmp_path: Path) -> None:
    image_folder(tmp_path, size=(20, 16))
    config = DataConfig(name="image_folder", root=str(tmp_path), batch_size=4, image_size=8, resize_size=12)
    loaders = load_data(config, CPU)
    seen = read_normalized(tmp_path / "test/cat/000.png", describe_data(config, loaders), Counter())
    torch.testing.assert_close(seen, next(iter(loaders.batches("test", 1)))[0], atol=1e-6, rtol=0)


def test_a_part_of_a_batch_is_cropped_by_its_part_of_the_draws() -> None:
    images = torch.rand(16, 3, 12, 12)
    boxes = draw_boxes(RandomResizedCropConfig(), 16, 12, 12, CPU)
    part = resized_crop(images[4:8], Box(*(each[4:8] for each in boxes)), 8, 8)
    assert torch.equal(part, resized_crop(images, boxes, 8, 8)[4:8])


def test_a_random_resized_crop_of_masks_is_refused() -> None:
    config = DataConfig(name="cells", augment=AugmentConfig(random_resized_crop=RandomResizedCropConfig()))
    with pytest.raises(OptionError, match=r"augment.random_resized_crop: is not for images with masks"):
        load_data(config, CPU)
