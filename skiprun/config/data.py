"""The sections `data` and `segmentation`: which images, how they are augmented, how masks are learned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from skiprun.config.fields import (
    Colour,
    Count,
    DatasetName,
    Fraction,
    Labels,
    NonNegative,
    Positive,
    Role,
    Section,
    Text,
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


class DataConfig(Section):
    """Which images, in which splits."""

    name: DatasetName = Field(description="a dataset of `skiprun datasets`", examples=["cifar10"])
    root: Annotated[Text | None, Role.EXECUTION] = Field(
        None,
        description="folder of the images; default: the cache in $SKIPRUN_DATA",
        examples=["path/to/images"],
    )
    download: Annotated[bool, Role.EXECUTION] = Field(
        False, description="may fetch the dataset from its official place"
    )
    batch_size: Count = Field(128, description="images a step, over all micro-batches")
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="share of train kept for validation, stratified; unused where the set has its own"
    )
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.2,
        description="share of a flat folder kept for testing, stratified; unused where there are splits",
    )
    image_size: Annotated[int, Field(ge=4, le=4096)] | None = Field(
        None, description="side in pixels, for folders", examples=[224]
    )
    resize_size: Annotated[int, Field(ge=4, le=4096)] | None = Field(
        None,
        description="side that images with labels are brought to before image_size is cropped from them: "
        "by augment.random_resized_crop in training, else from the middle; default: image_size",
        examples=[256],
    )
    fit: Literal["crop", "pad", "resize", "tile"] | None = Field(
        None,
        description="how images come to image_size: with labels crop (default), pad or resize; "
        "with masks resize (default) or tile",
        examples=["pad"],
    )
    background: Colour = Field(
        "white", description="colour under transparency and beside padded images", examples=["black"]
    )
    classes: Labels | None = Field(
        None,
        description=(
            "names of the mask values 0, 1, ...; default: background and object, of masks with two values"
        ),
        examples=[["background", "cell"]],
    )
    only_classes: Labels | None = Field(
        None,
        description="names of the classes to use, of a dataset with labels, as [0, 1, 2, 3, 4] of digits",
        examples=[["0", "1", "2"]],
    )
    ignore_index: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="mask value of pixels that neither teach nor count", examples=[255]
    )
    instances: bool = Field(
        False, description="mask values number the objects: all but 0 are one class, object"
    )
    mask_suffix: str | None = Field(
        None,
        description="what the name of a mask has more than that of its image: _mask for a.jpg and a_mask.png",
        examples=["_mask"],
    )
    subject: str | None = Field(
        None,
        description=(
            "regular expression that finds, in the paths of images, who or what is shown (its first group, "
            "or all that matches): validation is taken by whole subjects"
        ),
        examples=[r"p(\d+)_"],
    )
    border_weight: NonNegative = Field(
        0.0,
        description=(
            "extra weight in training of pixels between objects, w0 of Ronneberger 2015; the paper has 10"
        ),
        examples=[10.0],
    )
    skip_bad: bool = Field(False, description="leave images and masks that cannot be used out, and list them")
    augment: AugmentConfig = Field(
        default_factory=AugmentConfig, description="random changes of training images"
    )


class SegmentationConfig(Section):
    """How masks are learned and scored; other tasks do not look at it."""

    loss: Literal["cross_entropy", "dice", "sum"] = Field(
        "sum", description="cross entropy, 1 - Dice, or both added", examples=["dice"]
    )
    boundary_tolerance: Annotated[int, Field(ge=0, le=32)] = Field(
        1, description="rows and columns that a boundary pixel may be off to count as found, a square"
    )
