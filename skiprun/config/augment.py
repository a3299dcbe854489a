"""The section `data.augment`: random changes of training images."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from skiprun.config.fields import (
    Fraction,
    NonNegative,
    Positive,
    Section,
)


class RandomResizedCropConfig(Section):
    """Crops of a random size and shape, brought to the size of the network (Szegedy et al. 2015)."""

    scale: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        [0.08, 1.0],
        min_length=2,
        max_length=2,
        description="least and largest share of the image's area",
        examples=[[0.25, 1.0]],
    )
    ratio: list[Positive] = Field(
        [3 / 4, 4 / 3],
        min_length=2,
        max_length=2,
        description="least and largest width over height",
        examples=[[0.8, 1.25]],
    )


class RandAugmentConfig(Section):
    """RandAugment of torchvision: some operations an image, all equally strong (Cubuk et al. 2020)."""

    num_ops: Annotated[int, Field(ge=1, le=8)] = Field(2, description="operations an image")
    magnitude: Annotated[int, Field(ge=0, le=30)] = Field(9, description="how strong they are", examples=[15])


class AugmentConfig(Section):
    """Random changes of training images, a draw each; the lambda of mixup and CutMix is one a batch."""

    crop: Annotated[int, Field(ge=0, le=64)] = Field(
        0, description="pixels of zero padding before a random crop", examples=[4]
    )
    random_resized_crop: RandomResizedCropConfig | None = Field(
        None,
        description="crop a part of random size and shape, of images with labels, and resize it",
        examples=[{"scale": [0.08, 1.0], "ratio": [0.75, 1.33]}],
    )
    flip: bool = Field(False, description="mirror left and right with probability one half")
    rand_augment: RandAugmentConfig | None = Field(
        None,
        description="operations drawn from 14, as turns, shears, colours (Cubuk 2020), of images with labels",
        examples=[{"num_ops": 2, "magnitude": 9}],
    )
    trivial_augment: bool = Field(
        False,
        description="one of those operations, of a strength that is drawn (Muller and Hutter 2021)",
    )
    cutout: Annotated[int, Field(ge=0, le=512)] = Field(
        0, description="side of a blanked square (DeVries 2017)", examples=[8]
    )
    jitter: Fraction = Field(
        0.0, description="range of brightness, contrast and saturation factors, 1 +- jitter", examples=[0.2]
    )
    mixup: NonNegative = Field(
        0.0, description="alpha of mixup (Zhang 2017), one lambda a batch; 0 is off", examples=[0.2]
    )
    cutmix: NonNegative = Field(
        0.0, description="alpha of CutMix (Yun 2019), one lambda a batch; 0 is off", examples=[1.0]
    )
    rot90: bool = Field(False, description="turn by 0, 90, 180 or 270 degrees, image and mask together")
    rotate: Annotated[float, Field(ge=0, le=180)] = Field(
        0.0, description="largest turn in degrees, with the mask", examples=[15.0]
    )
    scale: Fraction = Field(
        0.0, description="range of the size, 1 +- scale, image and mask together", examples=[0.2]
    )
    elastic: Annotated[float, Field(ge=0, le=64)] = Field(
        0.0,
        description="elastic deformation with the mask: pixels of standard deviation (Ronneberger 2015: 10)",
        examples=[10.0],
    )
    brightness: Fraction = Field(
        0.0,
        description="range of a brightness factor, 1 +- brightness, for images with masks",
        examples=[0.2],
    )
    noise: Fraction = Field(
        0.0, description="standard deviation of noise on images with masks, white is 1", examples=[0.02]
    )
