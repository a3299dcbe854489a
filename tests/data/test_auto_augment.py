"""RandAugment and TrivialAugment of batches: each operation is torchvision's, and draws are of each image."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from skiprun.config import AugmentConfig
from skiprun.config.augment import RandAugmentConfig
from skiprun.data.augmentation.augment import Augment
from skiprun.data.augmentation.auto_augment import Chosen
from skiprun.data.augmentation.operation_table import OPERATIONS, SIGNED, STRENGTHS, space_of, strengths
from skiprun.errors import OptionError
from skiprun.system.torchvision_repair import torchvision

CPU = torch.device("cpu")
WORDS = {"auto_contrast": "AutoContrast"}
CONFIGS = {
    "rand": AugmentConfig(rand_augment=RandAugmentConfig()),
    "trivial": AugmentConfig(trivial_augment=True),
}
SIZE = (18, 14)


def torchvision_name(operation: str) -> str:
    return WORDS.get(operation, "".join(word.capitalize() for word in operation.split("_")))


def torchvision_space(policy: str) -> dict[str, Any]:
    transforms = torchvision.transforms
    if policy == "rand":
        return transforms.RandAugment()._augmentation_space(STRENGTHS, SIZE)
    return transforms.TrivialAugmentWide()._augmentation_space(STRENGTHS)


def images_of(channels: int, count: int = 3) -> Tensor:
    """Return uint8 images: noise, a dark one, one of few values."""
    generator = torch.Generator().manual_seed(channels)
    images = torch.randint(256, (count, channels, *SIZE), generator=generator)
    images[1] //= 3
    images[2] = images[2] // 90 * 80
    return images.to(torch.uint8)


def augment_of(policy: str, channels: int) -> Augment:
    return Augment(CONFIGS[policy], (channels, *SIZE), [0.4] * channels, [0.2] * channels, 10, CPU)


def normalized(images: Tensor) -> Tensor:
    return (images / 255 - 0.4) / 0.2


def to_pixels(images: Tensor) -> Tensor:
    return ((images * 0.2 + 0.4) * 255).round().to(torch.uint8)


@pytest.mark.parametrize("policy", CONFIGS)
def test_strengths_and_signs_are_torchvision_s(policy: str) -> None:
    space = torchvision_space(policy)
    assert list(space) == [torchvision_name(operation) for operation in OPERATIONS]
    for operation, (magnitudes, signed) in zip(OPERATIONS, space.values(), strict=True):
        assert (operation in SIGNED) == signed
        if magnitudes.ndim:
            ours = strengths(operation, space_of(CONFIGS[policy], (3, *SIZE)))
            assert ours == pytest.approx(magnitudes.tolist(), rel=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("policy", CONFIGS)
def test_an_operation_is_torchvision_s_at_every_strength(policy: str, operation: str, channels: int) -> None:
    magnitudes, signed = torchvision_space(policy)[torchvision_name(operation)]
    images, augment = images_of(channels), augment_of(policy, channels)
    assert augment.operations
    for strength in range(STRENGTHS if magnitudes.ndim else 1):
        for negative in (0, 1) if signed else (0,):
            number = OPERATIONS.index(operation)
            chosen = Chosen(*(torch.full((3, 1), each) for each in (number, strength, negative)))
            ours = to_pixels(augment.operations(normalized(images), chosen))
            magnitude = float(magnitudes[strength]) if magnitudes.ndim else 0.0
            for mine, image in zip(ours, images, strict=True):
                theirs = torchvision.transforms.autoaugment._apply_op(
                    image,
                    torchvision_name(operation),
                    -magnitude if negative else magnitude,
                    torchvision.transforms.InterpolationMode.NEAREST,
                    [0.4 * 255] * channels,
                )
                assert torch.equal(mine, theirs), (strength, negative)


def test_each_image_has_operations_of_its_own_one_after_the_other() -> None:
    augment, images = augment_of("rand", 3), images_of(3)
    operations = augment.operations
    assert operations
    pairs = torch.tensor([[6, 13], [11, 1], [0, 12]])
    both = Chosen(pairs, torch.full_like(pairs, 9), torch.zeros_like(pairs))
    together = to_pixels(operations(normalized(images), both))
    for number, pair in enumerate(pairs):
        alone = normalized(images[number : number + 1])
        for which in pair:
            one = Chosen(which.view(1, 1), torch.full((1, 1), 9), torch.zeros(1, 1, dtype=torch.int64))
            alone = operations(alone, one)
        assert torch.equal(together[number], to_pixels(alone)[0])


def test_draws_are_all_operations_strengths_and_directions_and_a_function_of_the_seed() -> None:
    augment = augment_of("trivial", 3)
    torch.manual_seed(0)
    chosen = augment.draw(2000).operations
    torch.manual_seed(0)
    again = augment.draw(2000).operations
    assert chosen and again and all(map(torch.equal, chosen, again))
    assert [len(each.unique()) for each in chosen] == [len(OPERATIONS), STRENGTHS, 2]
    assert chosen.which.shape == (2000, 1)
    drawn = augment_of("rand", 3).draw(5).operations
    assert drawn and drawn.which.shape == (5, 2) and set(drawn.strength.flatten().tolist()) == {9}


def test_images_of_other_channels_are_refused() -> None:
    from skiprun.data.augmentation.augment import check_augmentation

    with pytest.raises(OptionError, match=r"augment\.trivial_augment: is for images of 1 or 3 channels"):
        check_augmentation(CONFIGS["trivial"], (4, 8, 8))
